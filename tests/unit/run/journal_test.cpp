// SPDX-License-Identifier: Apache-2.0
#include "run/journal.hpp"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "fakes.hpp"
#include "util/fs.hpp"

using namespace fusebox;
using namespace fusebox::run;
using namespace fusebox::run::test;
namespace json = boost::json;

namespace {

std::string line(const json::object& fields) { return json::serialize(fields) + "\n"; }

json::object stamped(const char* type, json::object fields) {
  fields["type"] = type;
  fields["time"] = "2026-05-09T07:30:31.186Z";
  return fields;
}

std::string start_line() {
  auto lines = std::make_shared<MemorySink::Lines>();
  Journal journal(std::make_unique<MemorySink>(lines), {});
  journal.append(run_start(plan_of({{"a"}, {"b", "c?"}}), "r1", "stack", "0.1.0", 42,
                           std::chrono::system_clock::time_point{}));
  return lines->text;
}

std::string step_start(const char* label) { return line(stamped("step_start", {{"step", label}})); }

// "" when the text is accepted.
std::string problem(const std::string& text) {
  try {
    parse_journal(text, "j");
    return {};
  } catch (const Error& error) {
    CHECK(error.code() == Errc::io);
    CHECK_FALSE(error.hint().empty());
    return error.what();
  }
}

}  // namespace

TEST_CASE("a plan comes back from its journal as it went in") {
  auto plan = plan_of({{"a"}, {"b", "c?"}}, config::OnFailure::keep_going);
  plan.secrets = {"ONE", "TWO"};
  plan.groups[0][0].with = {{"deep", {{"x", {1, 2}}}}};
  plan.groups[0][0].retries = 4;
  plan.groups[0][0].timeout = std::chrono::milliseconds(1500);
  plan.groups[1][0].skipped = true;
  auto lines = std::make_shared<MemorySink::Lines>();
  Journal journal(std::make_unique<MemorySink>(lines), {});
  journal.append(run_start(plan, "r1", "stack", "0.1.0", 42, std::chrono::system_clock::now()));
  const RunState state = parse_journal(lines->text, "j").state;
  CHECK(state.id == "r1");
  CHECK(state.phase == "deploy");
  CHECK(state.stack == "stack");
  CHECK(state.version == "0.1.0");
  CHECK(state.pid == 42);
  CHECK(state.on_failure == config::OnFailure::keep_going);
  CHECK(state.secrets == plan.secrets);
  REQUIRE(state.steps.size() == 3);
  CHECK(state.steps[0].step.with == plan.groups[0][0].with);
  CHECK(state.steps[0].step.retries == 4);
  CHECK(state.steps[0].step.timeout == std::chrono::milliseconds(1500));
  CHECK(state.steps[0].step.can_undo);
  CHECK(state.steps[1].step.skipped);
  CHECK(state.steps[1].group == 1);
  CHECK(state.steps[2].step.effect == plugin::Effect::none);
  CHECK_FALSE(state.end.has_value());
}

TEST_CASE("a torn last line is left out, wherever it was torn") {
  const std::string whole = start_line() + step_start("a.up");
  const std::size_t first = start_line().size();
  for (std::size_t cut = first; cut < whole.size(); ++cut) {
    const JournalText journal = parse_journal(whole.substr(0, cut), "j");
    CHECK(journal.records.size() == 1);
    CHECK(journal.torn == (cut > first));
    CHECK(journal.valid_bytes == first);
  }
  CHECK_FALSE(parse_journal(whole, "j").torn);
  CHECK(parse_journal(whole, "j").state.interrupted() == std::vector<std::string>{"a.up"});
}

TEST_CASE("a journal without a whole line holds no run") {
  CHECK(parse_journal("", "j").records.empty());
  const JournalText torn = parse_journal(start_line().substr(0, 30), "j");
  CHECK(torn.records.empty());
  CHECK(torn.state.id.empty());
}

TEST_CASE("a damaged journal is refused with file and line") {
  const std::string start = start_line();
  const std::string go = step_start("a.up");
  const json::object error{{"code", "io"}, {"what", "x"}};
  const auto with_step = [&](const char* type, json::object fields = {}) {
    fields["step"] = "a.up";
    return line(stamped(type, fields));
  };
  const auto edited = [&](const char* key, const json::value& value) {
    json::object fields = json::parse(start).as_object();
    fields[key] = value;
    return line(fields);
  };
  const std::string done = with_step("step_done", {{"duration_ms", 1}, {"result", json::object{}}});
  const std::string end = line(stamped("run_end", {{"outcome", "ok"}, {"exit_code", 0}}));
  struct Row {
    std::string text;
    std::string expected;
  };
  const Row rows[] = {
      {"garbage\n", "j:1: not JSON: syntax error"},
      {"\n", "j:1: not JSON: incomplete JSON"},
      {start + "{\"type\":\n" + go, "j:2: not JSON: incomplete JSON"},
      {start + std::string(4, '\0') + "\n", "j:2: not JSON: syntax error"},
      {"[]\n", "j:1: not a JSON object"},
      {"{}\n", "j:1: field \"type\" is missing"},
      {"{\"type\":1}\n", "j:1: field \"type\" is not a string"},
      {"{\"type\":\"party\"}\n", "j:1: record type \"party\" is unknown"},
      {"{\"type\":\"run_end\"}\n", "j:1: field \"time\" is missing"},
      {"{\"type\":\"run_end\",\"time\":\"noon\"}\n", "j:1: field \"time\" is not a time"},
      {go, "j:1: step_start before run_start"},
      {start + start, "j:2: the run starts a second time"},
      {edited("format", 2), "j:1: journal format 2 is unknown, this fusebox reads 1"},
      {edited("format", "1"), "j:1: field \"format\" is not an integer"},
      {edited("on_failure", "hope"), "j:1: field \"on_failure\" has an unknown value"},
      {edited("secrets", json::array{1}), "j:1: field \"secrets\" holds more than names"},
      {edited("groups", json::object{}), "j:1: field \"groups\" is not an array"},
      {edited("groups", json::array{1}), "j:1: a group is not an array"},
      {edited("groups", json::array{json::array{1}}), "j:1: a step is not an object"},
      {edited("groups", json::array{json::array{json::object{}}}),
       "j:1: field \"label\" is missing"},
      {edited("changes", 1), "j:1: field \"changes\" is not true or false"},
      {edited("run", ""), "j:1: field \"run\" is empty"},
      {start + step_start("z.up"), "j:2: step_start of step \"z.up\", which the run does not have"},
      {start + done, "j:2: step_done of step \"a.up\", which is pending"},
      {start + go + done + done, "j:4: step_done of step \"a.up\", which is done"},
      {start + go + done + go, "j:4: step_start of step \"a.up\", which is done"},
      {start + with_step("checkpoint", {{"data", json::object{}}}),
       "j:2: checkpoint of step \"a.up\", which is pending"},
      {start + go + with_step("checkpoint", {{"data", 1}}), "j:3: field \"data\" is not an object"},
      {start + go + with_step("step_failed", {{"duration_ms", 1}}),
       "j:3: field \"error\" is missing"},
      {start + with_step("undo_start"), "j:2: undo_start of step \"a.up\", which is pending"},
      {start + go + with_step("undo_done"), "j:3: undo_done of step \"a.up\", which is started"},
      {start + go + with_step("undo_failed", {{"error", error}}),
       "j:3: undo_failed of step \"a.up\", which is started"},
      {start + go + with_step("undo_start") + step_start("b.up"),
       "j:4: step_start of step \"b.up\", which is pending"},
      {start + line(stamped("run_end", {{"outcome", "party"}, {"exit_code", 0}})),
       "j:2: field \"outcome\" has an unknown value"},
      {start + end + go, "j:3: step_start after run_end"},
      {start + line(stamped("run_resumed", {})), "j:2: field \"pid\" is missing"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(problem(row.text) == row.expected);
  }
  json::object twice = json::parse(start).as_object();
  twice["groups"].as_array().push_back(twice["groups"].as_array().front());
  CHECK(problem(line(twice)) == "j:1: step \"a.up\" is there twice");
}

TEST_CASE("secrets are taken out of a journal, keys and depths included") {
  auto lines = std::make_shared<MemorySink::Lines>();
  Journal journal(std::make_unique<MemorySink>(lines), [](std::string_view text) {
    std::string copy(text);
    if (const auto at = copy.find("hunter2"); at != std::string::npos)
      copy.replace(at, 7, "[redacted:PW]");
    return copy;
  });
  journal.append({RecordType::checkpoint,
                  std::chrono::system_clock::now(),
                  {{"step", "hunter2.up"},
                   {"data", {{"list", {"xhunter2", 1, true, nullptr}}, {"hunter2", 2.5}}}}});
  const json::object written =
      json::parse(lines->text.substr(0, lines->text.size() - 1)).as_object();
  CHECK(written.at("data") ==
        json::parse(R"({"list":["x[redacted:PW]",1,true,null],"[redacted:PW]":2.5})"));
  CHECK(written.at("step") == "hunter2.up");
}

TEST_CASE("a journal's file is private, grows, and loses its torn end when it is opened again") {
  const TempDir dir;
  const auto file = journal_file(dir.path(), "r1");
  CHECK(file == dir.path() / "runs" / "r1.jsonl");
  {
    const auto sink = create_journal_file(file);
    sink->append(start_line());
  }
  CHECK((std::filesystem::status(file).permissions() & std::filesystem::perms::mask) ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  CHECK_THROWS_AS(create_journal_file(file), Error);
  {
    util::AppendFile torn(file, 0600);
    torn.append(R"({"type":"step_st)");
  }
  const JournalText before = read_journal(file);
  CHECK(before.torn);
  reopen_journal_file(file, before.valid_bytes)->append(step_start("a.up"));
  const JournalText after = read_journal(file);
  CHECK_FALSE(after.torn);
  CHECK(after.records.size() == 2);
  CHECK_THROWS_AS(reopen_journal_file(dir.path() / "none", 0), Error);
}

TEST_CASE("run ids are different, safe as file names, and sort by time") {
  using namespace std::chrono_literals;
  const auto now = std::chrono::system_clock::now();
  const std::string first = new_run_id(now);
  CHECK(first != new_run_id(now));
  CHECK(first < new_run_id(now + 1s));
  CHECK(first.find_first_not_of("0123456789abcdefTZ.-") == std::string::npos);
}

TEST_CASE("every name of a record, status and outcome is read back as itself") {
  for (int i = 0; i <= static_cast<int>(RecordType::run_end); ++i)
    CHECK(parse_record_type(to_string(static_cast<RecordType>(i))) == static_cast<RecordType>(i));
  for (int i = 0; i <= static_cast<int>(Outcome::forgotten); ++i)
    CHECK(parse_outcome(to_string(static_cast<Outcome>(i))) == static_cast<Outcome>(i));
  CHECK_FALSE(parse_outcome("party").has_value());
}
