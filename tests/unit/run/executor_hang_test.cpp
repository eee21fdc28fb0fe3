// SPDX-License-Identifier: Apache-2.0
#include "run/executor.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "executor_rig.hpp"

using namespace fusebox;
using namespace fusebox::run;
using namespace fusebox::run::test;
using namespace std::chrono_literals;
namespace json = boost::json;
using config::OnFailure;
using report::EventType;
using Calls = std::vector<std::string>;

TEST_CASE("a step that ignores its deadline is left behind and the run is handed over") {
  Rig rig(plan_of({{"a"}, {"b"}}));
  rig.step(1).timeout = 20ms;
  rig.timings.grace = 30ms;
  std::atomic<bool> release = false;
  std::atomic<bool> refused = false;
  rig.caller.on_run["b"] = [&](const json::object&, const plugin::CallContext& context) {
    while (!release) std::this_thread::sleep_for(1ms);
    context.log(plugin::LogLevel::info, "too late");
    try {
      context.checkpoint("{}");
    } catch (const Error& error) {
      refused = error.code() == Errc::cancelled;
    }
    return json::object{};
  };
  const RunResult result = rig.go();
  CHECK(result.abandoned);
  CHECK_FALSE(result.outcome.has_value());
  CHECK(result.error->code == Errc::timeout);
  CHECK(result.error->what.find("b.up (instance \"b\") did not end within its deadline of 20ms") ==
        0);
  CHECK(rig.caller.count("undo a") == 0);
  CHECK(rig.on_disk().not_undone() == Calls{"a.up", "b.up"});
  release = true;
  CHECK(eventually([&] { return refused.load(); }));
  CHECK(rig.reporter.all(EventType::step_log).empty());
}

TEST_CASE("a hanging step in a phase that does not undo ends the run") {
  Rig rig(plan_of({{"a"}}, OnFailure::stop));
  rig.step(0).timeout = 20ms;
  rig.timings.grace = 20ms;
  std::atomic<bool> release = false;
  rig.caller.on_run["a"] = [&](const json::object&, const plugin::CallContext&) {
    while (!release) std::this_thread::sleep_for(1ms);
    return json::object{};
  };
  const RunResult result = rig.go();
  CHECK(result.abandoned);
  CHECK(result.outcome == Outcome::failed);
  CHECK(rig.on_disk().end.has_value());
  release = true;
}

TEST_CASE("a step that ignores cancel is named") {
  Rig rig(plan_of({{"a"}}));
  rig.timings.grace = 30ms;
  std::atomic<bool> release = false;
  rig.caller.on_run["a"] = [&](const json::object&, const plugin::CallContext&) {
    rig.signals.cancel.cancel();
    while (!release) std::this_thread::sleep_for(1ms);
    return json::object{};
  };
  const RunResult result = rig.go();
  CHECK(result.abandoned);
  CHECK(result.exit_code == ExitCode::interrupted);
  const auto finished = rig.reporter.all(EventType::step_finished);
  REQUIRE(finished.size() == 1);
  CHECK(finished[0].at("error").at("what") ==
        "a.up (instance \"a\") did not end within 30ms of being told to stop");
  release = true;
}

TEST_CASE("the second Ctrl-C stops waiting at once and leaves the run open") {
  Rig rig(plan_of({{"a"}, {"b"}}));
  rig.timings.grace = 60s;
  std::atomic<bool> release = false;
  rig.caller.on_run["b"] = [&](const json::object&, const plugin::CallContext&) {
    rig.signals.cancel.cancel();
    rig.signals.leave.cancel();
    while (!release) std::this_thread::sleep_for(1ms);
    return json::object{};
  };
  const RunResult result = rig.go();
  CHECK(result.left);
  CHECK(result.exit_code == ExitCode::interrupted);
  CHECK(result.error->hint.find("fusebox recover") != std::string::npos);
  CHECK(rig.on_disk().interrupted() == Calls{"b.up"});
  CHECK(rig.caller.count("undo a") == 0);
  release = true;
}

TEST_CASE("the second Ctrl-C also stops the waiting for an undo") {
  Rig rig(plan_of({{"a"}, {"b"}}));
  rig.timings.grace = 60s;
  std::atomic<bool> release = false;
  rig.caller.on_run["b"] = fails(Errc::io);
  rig.caller.on_undo["b"] = [&](const json::object&, const plugin::CallContext&) {
    rig.signals.leave.cancel();
    while (!release) std::this_thread::sleep_for(1ms);
    return json::object{};
  };
  const RunResult result = rig.go();
  CHECK(result.left);
  CHECK(result.not_undone == Calls{"a.up", "b.up"});
  CHECK_FALSE(rig.on_disk().end.has_value());
  release = true;
}

TEST_CASE("an undo that hangs is left behind and the others go on") {
  Rig rig(plan_of({{"a"}, {"b"}}));
  rig.step(1).timeout = 20ms;
  rig.timings.grace = 20ms;
  std::atomic<bool> release = false;
  rig.caller.on_run["b"] = fails(Errc::io);
  rig.caller.on_undo["b"] = [&](const json::object&, const plugin::CallContext&) {
    while (!release) std::this_thread::sleep_for(1ms);
    return json::object{};
  };
  const RunResult result = rig.go();
  CHECK(result.abandoned);
  CHECK(result.exit_code == ExitCode::undo_failed);
  CHECK(result.not_undone == Calls{"b.up"});
  CHECK(rig.caller.count("undo a") == 1);
  release = true;
}
