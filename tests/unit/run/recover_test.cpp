// SPDX-License-Identifier: Apache-2.0
#include "run/recover.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "fakes.hpp"
#include "run/lock.hpp"
#include "util/fs.hpp"

using namespace fusebox;
using namespace fusebox::run;
using namespace fusebox::run::test;
namespace json = boost::json;

namespace {

const auto now = std::chrono::system_clock::now();

// Journals of a stack.
struct Shelf {
  // A run with records after its start.
  void add(const std::string& id, const std::vector<Record>& records) {
    Journal journal(create_journal_file(journal_file(dir.path(), id)), {});
    journal.append(run_start(plan_of({{"a"}, {"b"}}), id, "stack", "0.1.0", 1, now));
    for (const Record& record : records) journal.append(record);
  }
  void write(const std::string& id, std::string_view text) {
    util::make_private_dirs(dir.path() / "runs");
    std::ofstream(journal_file(dir.path(), id)) << text;
  }
  TempDir dir;
};

Record ended(Outcome outcome = Outcome::ok, int code = 0) {
  return {RecordType::run_end, now, {{"outcome", to_string(outcome)}, {"exit_code", code}}};
}
Record step(RecordType type, const char* label) {
  json::object data{{"step", label}};
  if (type == RecordType::step_done) data["duration_ms"] = 3;
  if (type == RecordType::undo_failed) data["error"] = {{"code", "io"}, {"what", "stuck"}};
  return {type, now, data};
}

std::string refusal(const Shelf& shelf) {
  try {
    refuse_open_run(shelf.dir.path());
    return {};
  } catch (const Error& error) {
    CHECK(error.code() == Errc::conflict);
    return std::string(error.what()) + " | " + error.hint();
  }
}

}  // namespace

TEST_CASE("a stack without runs has none") {
  const TempDir dir;
  CHECK(list_runs(dir.path()).empty());
  CHECK_FALSE(find_open_run(dir.path()).has_value());
  refuse_open_run(dir.path());
  prune_runs(dir.path(), 0);
}

TEST_CASE("runs are listed newest first, with how they ended and what is wrong with them") {
  Shelf shelf;
  shelf.add("20260101T000000.000Z-1", {ended()});
  shelf.add("20260102T000000.000Z-2", {step(RecordType::step_start, "a.up")});
  shelf.write("20260103T000000.000Z-3", "rubbish\n");
  shelf.write("20260104T000000.000Z-4", "{\"type\":\"run_st");
  const auto runs = list_runs(shelf.dir.path());
  REQUIRE(runs.size() == 3);
  CHECK(runs[0].id == "20260103T000000.000Z-3");
  CHECK(runs[0].problem.find(":1: not JSON") != std::string::npos);
  CHECK_FALSE(runs[0].open());
  CHECK(runs[1].open());
  CHECK(runs[1].interrupted == std::vector<std::string>{"a.up"});
  CHECK(runs[1].phase == "deploy");
  CHECK(runs[2].end->outcome == Outcome::ok);
  CHECK_FALSE(runs[2].open());
}

TEST_CASE("an open run whose lock is held is running") {
  Shelf shelf;
  shelf.add("20260101T000000.000Z-1", {});
  {
    const StackLock lock =
        StackLock::acquire(shelf.dir.path(), "deploy (run 20260101T000000.000Z-1)");
    CHECK(list_runs(shelf.dir.path()).at(0).running);
  }
  {
    const StackLock lock = StackLock::acquire(shelf.dir.path(), "deploy (run another)");
    CHECK_FALSE(list_runs(shelf.dir.path()).at(0).running);
  }
  CHECK(list_runs(shelf.dir.path()).at(0).open());
}

TEST_CASE("an open run is refused with where it was interrupted") {
  const std::string head = "run 20260101T000000.000Z-1 of phase deploy was interrupted ";
  const std::string undoes =
      " | `fusebox recover --undo` undoes it, `fusebox recover --resume` goes on";
  const std::string goes_on = " | `fusebox recover --undo` goes on undoing it";
  const Record a = step(RecordType::step_start, "a.up");
  const Record a_done = step(RecordType::step_done, "a.up");
  const Record undo_a = step(RecordType::undo_start, "a.up");
  struct Row {
    std::vector<Record> records;
    std::string expected;
  };
  const Row rows[] = {
      {{}, head + "between two steps" + undoes},
      {{a}, head + "in step a.up" + undoes},
      {{a, a_done}, head + "between two steps" + undoes},
      {{a, a_done, undo_a}, head + "while undoing, in step a.up" + goes_on},
      {{a, undo_a, step(RecordType::undo_failed, "a.up")}, head + "with a.up not undone" + goes_on},
      {{a, a_done, ended()}, ""}};
  for (const Row& row : rows) {
    Shelf shelf;
    shelf.add("20260101T000000.000Z-1", row.records);
    CHECK(refusal(shelf) == row.expected);
  }
}

TEST_CASE("an open run behind newer ended ones is found; a damaged journal is an error") {
  Shelf shelf;
  shelf.add("20260101T000000.000Z-1", {});
  shelf.add("20260102T000000.000Z-2", {ended()});
  CHECK(find_open_run(shelf.dir.path())->state.id == "20260101T000000.000Z-1");
  shelf.write("20260103T000000.000Z-3", "rubbish\nmore\n");
  CHECK_THROWS_AS(find_open_run(shelf.dir.path()), Error);
}

TEST_CASE("a run is shown by the beginning of its id") {
  Shelf shelf;
  shelf.add("20260101T000000.000Z-1", {ended()});
  shelf.add("20260102T000000.000Z-2", {ended()});
  CHECK(show_run(shelf.dir.path(), "20260101").state.id == "20260101T000000.000Z-1");
  CHECK(show_run(shelf.dir.path(), "last").state.id == "20260102T000000.000Z-2");
  CHECK_THROWS_WITH_AS(show_run(shelf.dir.path(), "2026"), "\"2026\" is the beginning of 2 runs",
                       Error);
  CHECK_THROWS_WITH_AS(show_run(shelf.dir.path(), "x"), "there is no run \"x\"", Error);
}

TEST_CASE("pruning keeps the newest ended runs, and every open or unreadable one") {
  Shelf shelf;
  shelf.add("20260101T000000.000Z-1", {});
  shelf.add("20260102T000000.000Z-2", {ended()});
  shelf.add("20260103T000000.000Z-3", {ended()});
  shelf.add("20260104T000000.000Z-4", {ended()});
  shelf.write("20260105T000000.000Z-5", "rubbish\n");
  shelf.write("20260106T000000.000Z-6", "");
  prune_runs(shelf.dir.path(), 2);
  std::vector<std::string> ids;
  for (const RunSummary& run : list_runs(shelf.dir.path())) ids.push_back(run.id);
  CHECK(ids == std::vector<std::string>{"20260105T000000.000Z-5", "20260104T000000.000Z-4",
                                        "20260103T000000.000Z-3", "20260101T000000.000Z-1"});
  CHECK_FALSE(std::filesystem::exists(journal_file(shelf.dir.path(), "20260106T000000.000Z-6")));
}

TEST_CASE("a folder of runs that cannot be read is an error, not an empty list") {
  const TempDir dir;
  std::ofstream(dir.path() / "runs") << "a file\n";
  CHECK_THROWS_AS(list_runs(dir.path()), Error);
}
