// SPDX-License-Identifier: Apache-2.0
// `plugins check`: each broken plugin is bitten by the check that is there for it, and by what
// fusebox itself ships nothing is found.
#include "e2e/harness.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

using fusebox::test::contains;
using fusebox::test::Ended;
using fusebox::test::Sandbox;

namespace json = boost::json;

namespace {

std::string test_plugin(const std::string& id) {
  return fmt::format("{}/{}.so", std::getenv("FUSEBOX_TEST_PLUGINS"), id);
}

struct Flaw {
  const char* name;
  const char* check;
  const char* outcome;
};

constexpr Flaw kFlaws[] = {
    {"prints", "life.silent", "fail"},
    {"opens-fd", "leaks.descriptors", "fail"},
    {"leaks-thread", "leaks.threads", "fail"},
    {"leaks-memory", "leaks.memory", "fail"},
    {"leaves-child", "leaks.children", "fail"},
    {"signal", "leaks.signals", "fail"},
    {"chdir", "leaks.process", "fail"},
    {"setenv", "leaks.process", "fail"},
    {"temp-file", "leaks.files", "fail"},
    {"late-op", "leaks.ops", "fail"},
    {"slow-create", "life.cheap", "fail"},
    {"create-secret", "life.cheap", "fail"},
    {"create-secret", "config.handles", "fail"},
    {"slow-destroy", "life.destroy", "fail"},
    {"one-instance", "life.two", "fail"},
    {"null-instance", "life.create", "fail"},
    {"create-mute", "life.create", "fail"},
    {"create-code", "life.create", "fail"},
    {"create-internal", "config.valid", "fail"},
    {"crash-context", "life.bad-context", "crash"},
    {"crash-context", "config.broken", "crash"},
    {"strict-context", "life.richer-context", "fail"},
    {"calls-checkpoint", "life.older-host", "crash"},
    {"strict-host", "life.newer-host", "fail"},
    {"needs-service", "life.bare-host", "crash"},
    {"no-table", "interface.tables", "fail"},
    {"short-table", "interface.sizes", "fail"},
    {"null-slot", "interface.functions", "fail"},
    {"no-undo", "interface.undo", "fail"},
    {"not-reserved", "interface.reserved", "fail"},
    {"any-interface", "interface.unknown", "fail"},
    {"prefix-id", "interface.whole-id", "fail"},
    {"undeclared", "interface.undeclared", "warn"},
    {"new-table", "interface.same", "fail"},
    {"not-json", "step.plan", "fail"},
    {"bad-status", "step.plan", "fail"},
    {"no-code", "step.plan", "fail"},
    {"plan-writes", "step.plan-effects", "fail"},
    {"calls-checkpoint", "step.plan-checkpoints", "fail"},
    {"plan-differs", "step.plan-repeats", "warn"},
    {"says-nothing", "step.plan-says", "warn"},
    {"any-verb", "step.unknown-verb", "warn"},
    {"mute", "step.unknown-verb", "fail"},
    {"crash-empty", "step.empty-request", "crash"},
    {"strict-request", "step.richer-request", "fail"},
    {"crash-damaged", "step.broken-request", "crash"},
    {"ignores-sink", "step.sink", "fail"},
    {"writes-on", "step.sink-partial", "fail"},
    {"ignores-cancel", "step.cancelled", "fail"},
    {"ignores-deadline", "step.deadline", "fail"},
    {"needs-deadline", "step.no-deadline", "crash"},
    {"races", "step.threads", "crash"},
    {"bad-utf8", "step.utf8", "fail"},
    {"two-lines", "step.lines", "warn"},
    {"undeclared-program", "step.rules", "fail"},
    {"other-code", "step.codes", "fail"},
    {"look-writes", "run.effects", "fail"},
    {"not-again", "run.again", "fail"},
    {"undo-leaves", "run.undo", "fail"},
    {"no-checkpoint", "run.undo-elsewhere", "fail"},
    {"undo-once", "run.undo-again", "fail"},
    {"undo-nothing-fails", "run.undo-nothing", "fail"},
    {"run-ignores-cancel", "run.cancel", "fail"},
    {"needs-journal", "run.no-journal", "crash"},
    {"ignores-sink", "run.sink", "fail"},
    {"other-thread", "run.rules", "fail"},
    {"secret-log", "secrets.logs", "fail"},
    {"secret-result", "secrets.results", "fail"},
    {"secret-argument", "secrets.arguments", "fail"},
    {"secret-file", "secrets.files", "fail"},
    {"secret-environment", "secrets.environment", "fail"},
    {"steals-secret", "secrets.allowed", "fail"},
    {"plan-secret", "secrets.plan", "fail"},
};

// What an entry record can be wrong in is another library each.
constexpr Flaw kBadEntries[] = {
    {"zoo-bad-magic", "entry.magic", "fail"},
    {"zoo-short-entry", "entry.size", "fail"},
    {"zoo-null-plugin", "entry.record", "fail"},
    {"zoo-short-plugin", "entry.record-size", "fail"},
    {"zoo-null-create", "entry.functions", "fail"},
    {"zoo-other-manifest", "entry.manifest", "fail"},
    {"zoo-no-entry", "entry.symbol", "fail"},
};

fusebox::test::CallOptions with_flaw(const char* name) {
  fusebox::test::CallOptions options;
  options.environment["FLAW"] = name;
  return options;
}

json::object report_of(const Ended& ended) {
  INFO(ended.all());
  const auto lines = ended.lines();
  REQUIRE(lines.size() == 1);
  return lines.front();
}

std::string problems_of(const json::object& report) {
  std::string text;
  for (const auto& check : report.at("checks").as_array()) {
    const auto& outcome = check.at("outcome").as_string();
    if (outcome != "success" && outcome != "skip") text += json::serialize(check) + "\n";
  }
  return text;
}

void require_bitten(const Ended& ended, const Flaw& flaw) {
  INFO(flaw.name);
  INFO(ended.all());
  const auto report = report_of(ended);
  const auto& checks = report.at("checks").as_array();
  REQUIRE(checks.size() == 1);
  CHECK(checks[0].at("outcome").as_string() == flaw.outcome);
  const bool bad = flaw.outcome != std::string_view("warn");
  CHECK(ended.exit_code == (bad ? 1 : 0));
  CHECK(report.at("ok").as_bool() == !bad);
}

}  // namespace

TEST_CASE("a plugin that keeps every rule passes every check, the strictest too") {
  const Sandbox box;
  const auto ended = box.fusebox(
      {"plugins", "check", test_plugin("flawed"), "--run", "--strictness", "10", "--json"});
  const auto report = report_of(ended);
  CHECK(ended.exit_code == 0);
  CHECK(problems_of(report) == "");
  CHECK(report.at("counts").at("success").as_int64() > 90);
}

TEST_CASE("each flaw is found by the check that is there for it") {
  const Sandbox box;
  for (const auto& flaw : kFlaws)
    require_bitten(box.fusebox({"plugins", "check", test_plugin("flawed"), "--run", "--only",
                                flaw.check, "--seed", "1", "--json"},
                               with_flaw(flaw.name)),
                   flaw);
}

TEST_CASE("each bad entry record is found before any function is called") {
  const Sandbox box;
  for (const auto& flaw : kBadEntries)
    require_bitten(
        box.fusebox({"plugins", "check", test_plugin(flaw.name), "--only", flaw.check, "--json"}),
        flaw);
}

TEST_CASE("a check that crashes or hangs is one check, and the others go on") {
  const Sandbox box;
  const auto crashed = box.fusebox(
      {"plugins", "check", test_plugin("flawed"), "--only", "step.no-deadline,step.plan", "--json"},
      with_flaw("needs-deadline"));
  const auto report = report_of(crashed);
  CHECK(report.at("counts").at("crash").as_int64() == 1);
  CHECK(report.at("counts").at("success").as_int64() == 1);
  const auto hung = box.fusebox(
      {"plugins", "check", test_plugin("zoo-hangs"), "--run", "--only", "run.run", "--limit", "1"});
  CHECK(hung.exit_code == 1);
  CHECK(contains(hung.out, "did not end within 1 s"));
}

TEST_CASE("a seed repeats what was made up, and is told") {
  const Sandbox box;
  const auto ended =
      box.fusebox({"plugins", "check", test_plugin("flawed"), "--only", "config", "--seed", "42"});
  INFO(ended.all());
  CHECK(ended.exit_code == 0);
  CHECK(contains(ended.out, "seed 42"));
}

TEST_CASE("a debugger gets the checks in one process") {
  const Sandbox box;
  const auto ended = box.fusebox(
      {"plugins", "check", test_plugin("flawed"), "--only", "step.plan", "--in-process"});
  INFO(ended.all());
  CHECK(ended.exit_code == 0);
  CHECK(contains(ended.out, "1 passed"));
}

TEST_CASE("the list has every check once, with a strictness from 1 to 10") {
  const Sandbox box;
  const auto lines = box.fusebox({"plugins", "check", "--list", "--json"}).lines();
  REQUIRE(lines.size() == 1);
  std::set<std::string> ids;
  for (const auto& check : lines[0].at("checks").as_array()) {
    CHECK(ids.emplace(check.at("check").as_string()).second);
    CHECK(check.at("strictness").as_int64() >= 1);
    CHECK(check.at("strictness").as_int64() <= 10);
  }
  CHECK(ids.size() >= 50);
}

TEST_CASE("wrong calls say what is wrong with them") {
  const Sandbox box;
  const auto strict = box.fusebox({"plugins", "check", "x", "--strictness", "11"});
  CHECK(strict.exit_code == 2);
  CHECK(contains(strict.err, "1 to 10"));
  const auto only = box.fusebox({"plugins", "check", test_plugin("flawed"), "--only", "nothing"});
  CHECK(only.exit_code == 1);
  CHECK(contains(only.err, "there is no check \"nothing\""));
  CHECK(box.fusebox({"plugins", "check"}).exit_code == 2);
}

TEST_CASE("nothing is found in what fusebox ships") {
  const Sandbox box;
  std::size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::getenv("FUSEBOX_PLUGINS"))) {
    if (entry.path().extension() != ".so") continue;
    ++seen;
    fusebox::test::CallOptions patient;  // a hundred checks, beside whatever else is tested
    patient.deadline = std::chrono::seconds(200);
    const auto ended = box.fusebox({"plugins", "check", entry.path().string(), "--json"}, patient);
    const auto report = report_of(ended);
    INFO(entry.path().filename().string());
    CHECK(problems_of(report) == "");
    CHECK(ended.exit_code == 0);
  }
  CHECK(seen > 10);
}

TEST_CASE("trust pins a plugin by its content, and a changed one is refused with the reason") {
  namespace fs = std::filesystem;
  const Sandbox box;
  box.write("fusebox.toml",
            "[stack]\nname = \"pins\"\n[plugins.newer]\n[phases.look]\nsteps = [\"newer.look\"]\n");
  box.write("plugins/readme", "");
  for (const char* file : {"newer.so", "newer.fusebox.toml"})
    fs::copy_file(fs::path(std::getenv("FUSEBOX_TEST_PLUGINS")) / file, box / "plugins" / file);
  const std::vector<std::string> where = {"--plugin-dir", (box / "plugins").string()};
  const auto call = [&](std::vector<std::string> args) {
    args.insert(args.end(), where.begin(), where.end());
    return box.fusebox(args);
  };
  const auto pinned = call({"plugins", "trust", "newer", "--json"});
  INFO(pinned.all());
  REQUIRE(pinned.lines().size() == 1);
  const auto line = pinned.lines().front();
  CHECK(line.at("plugins").at(0).at("library_sha256").as_string().size() == 64);
  CHECK(call({"run", "look"}).exit_code == 0);

  // One byte behind the end of an ELF file means nothing to its loader, and all to its hash.
  std::ofstream(box / "plugins" / "newer.so", std::ios::app | std::ios::binary) << "x";
  const auto refused = call({"run", "look"});
  INFO(refused.all());
  CHECK(refused.exit_code == 1);
  CHECK(contains(refused.all(), "is not the file that was trusted"));
  CHECK(contains(call({"plugins", "list"}).out, "changed"));

  const auto freed = call({"plugins", "untrust", "newer", "--json"});
  CHECK(freed.lines().size() == 1);
  CHECK(call({"run", "look"}).exit_code == 0);
}

TEST_CASE("a plugin built for a later minor version runs here, and is told to be one") {
  const Sandbox box;
  const auto checked = box.fusebox({"plugins", "check", test_plugin("newer"), "--only",
                                    "entry,interface,life.create,step.plan,run.run", "--json"});
  const auto report = report_of(checked);
  CHECK(checked.exit_code == 0);
  CHECK(report.at("counts").at("warn").as_int64() == 1);
  CHECK(contains(problems_of(report), "entry.minor"));
  box.write(
      "fusebox.toml",
      "[stack]\nname = \"newer\"\n[plugins.newer]\n[phases.look]\nsteps = [\"newer.look\"]\n");
  const auto ran =
      box.fusebox({"run", "look", "--plugin-dir", std::getenv("FUSEBOX_TEST_PLUGINS")});
  INFO(ran.all());
  CHECK(ran.exit_code == 0);
  CHECK(contains(ran.all(), "does without what this host lacks"));
}
