// SPDX-License-Identifier: Apache-2.0
#include "run/executor.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <latch>
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

TEST_CASE("groups run in order, and a run that goes well ends with 0") {
  Rig rig(plan_of({{"a"}, {"b"}, {"c"}}));
  rig.plan.secrets = {"TOKEN"};
  rig.step(1).with = {{"size", 3}};
  const RunResult result = rig.go();
  CHECK(result.exit_code == ExitCode::ok);
  CHECK(result.outcome == Outcome::ok);
  CHECK(rig.caller.calls() == Calls{"run a", "run b", "run c"});
  CHECK(rig.caller.secrets == Calls{"TOKEN"});
  const json::object request = rig.caller.request("run b");
  CHECK(request.at("verb") == "up");
  CHECK(request.at("phase") == "deploy");
  CHECK(request.at("run") == "r1");
  CHECK(request.at("with").at("size") == 3);
  CHECK(request.at("secrets").as_array().size() == 1);
  CHECK(rig.on_disk().end->outcome == Outcome::ok);
}

TEST_CASE("events tell the whole run in order") {
  Rig rig(plan_of({{"a"}, {"b", "c"}}));
  rig.caller.on_run["a"] = [](const json::object&, const plugin::CallContext& context) {
    CHECK(context.label == "a.up");
    context.log(plugin::LogLevel::warn, "careful");
    context.progress({3, 10, "bytes", "copying"});
    return json::object{{"summary", "done"}};
  };
  rig.go();
  const auto started = rig.reporter.all(EventType::run_started);
  REQUIRE(started.size() == 1);
  CHECK(started[0].at("steps") == json::parse(R"([["a.up"],["b.up","c.up"]])"));
  const auto steps = rig.reporter.all(EventType::step_started);
  REQUIRE(steps.size() == 3);
  CHECK(steps[2].at("index").to_number<int>() == 2);
  CHECK(steps[2].at("group").to_number<int>() == 1);
  const auto logs = rig.reporter.all(EventType::step_log);
  REQUIRE(logs.size() == 1);
  CHECK(logs[0].at("level") == "warn");
  CHECK(logs[0].at("line") == "careful");
  const auto progress = rig.reporter.all(EventType::step_progress);
  REQUIRE(progress.size() == 1);
  CHECK(progress[0].at("done").to_number<int>() == 3);
  CHECK(progress[0].at("what") == "copying");
  const auto finished = rig.reporter.all(EventType::step_finished);
  REQUIRE(finished.size() == 3);
  CHECK(finished[0].at("result").at("summary") == "done");
  const auto end = rig.reporter.all(EventType::run_finished);
  REQUIRE(end.size() == 1);
  CHECK(end[0].at("outcome") == "ok");
  CHECK(end[0].at("exit_code") == 0);
}

TEST_CASE("the steps of one group run at the same time") {
  Rig rig(plan_of({{"a", "b", "c"}}));
  std::latch together(3);
  for (const char* name : {"a", "b", "c"})
    rig.caller.on_run[name] = [&](const json::object&, const plugin::CallContext&) {
      together.arrive_and_wait();  // would hang if they ran one after the other
      return json::object{};
    };
  CHECK(rig.go().exit_code == ExitCode::ok);
}

TEST_CASE("after a failure the steps before it are undone in reverse with what they recorded") {
  Rig rig(plan_of({{"a"}, {"b"}, {"c"}, {"d"}}));
  rig.caller.on_run["a"] = [](const json::object&, const plugin::CallContext& context) {
    context.checkpoint(R"({"made":1})");
    context.checkpoint(R"({"made":2})");
    return json::object{{"kept", "yes"}};
  };
  rig.caller.on_run["c"] = fails(Errc::io, "disk on fire", "put it out");
  const RunResult result = rig.go();
  CHECK(result.exit_code == ExitCode::failed);
  CHECK(result.outcome == Outcome::undone);
  CHECK(result.error->what == "c.up: disk on fire");
  CHECK(result.error->hint == "put it out");
  CHECK(rig.caller.calls() == Calls{"run a", "run b", "run c", "undo c", "undo b", "undo a"});
  const json::object undo_a = rig.caller.request("undo a");
  CHECK(undo_a.at("result") == json::parse(R"({"kept":"yes"})"));
  CHECK(undo_a.at("checkpoints") == json::parse(R"([{"made":1},{"made":2}])"));
  CHECK(rig.caller.request("undo c").at("result").is_null());
  CHECK(rig.on_disk().end->outcome == Outcome::undone);
  CHECK(rig.on_disk().end->exit_code == 1);
  CHECK(rig.reporter.all(EventType::undo_started).size() == 3);
}

TEST_CASE("a step that cannot be undone is undone all the same when it wrote checkpoints") {
  Rig rig(plan_of({{"a!"}, {"b!"}, {"c"}}));
  rig.caller.on_run["a"] = [](const json::object&, const plugin::CallContext& context) {
    context.checkpoint(R"({"x":1})");
    return json::object{};
  };
  rig.caller.on_run["c"] = fails(Errc::failed);
  CHECK(rig.go().exit_code == ExitCode::failed);
  CHECK(rig.caller.calls() == Calls{"run a", "run b", "run c", "undo c", "undo a"});
}

TEST_CASE("on_failure stop ends the run and leaves what was done") {
  Rig rig(plan_of({{"a"}, {"b"}, {"c"}}, OnFailure::stop));
  rig.caller.on_run["b"] = fails(Errc::io);
  const RunResult result = rig.go();
  CHECK(result.exit_code == ExitCode::failed);
  CHECK(result.outcome == Outcome::failed);
  CHECK(result.not_undone == Calls{"a.up", "b.up"});
  CHECK(rig.caller.calls() == Calls{"run a", "run b"});
}

TEST_CASE("on_failure continue runs every step and still fails") {
  Rig rig(plan_of({{"a"}, {"b"}, {"c"}}, OnFailure::keep_going));
  rig.caller.on_run["a"] = fails(Errc::io);
  const RunResult result = rig.go();
  CHECK(result.exit_code == ExitCode::failed);
  CHECK(rig.caller.calls() == Calls{"run a", "run b", "run c"});
}

TEST_CASE("a failure in a group stops the others of that group, and all are undone") {
  Rig rig(plan_of({{"a", "b"}}));
  std::latch running(2);
  rig.caller.on_run["a"] = [&](const json::object& request, const plugin::CallContext& context) {
    running.arrive_and_wait();
    return until_cancelled(request, context);
  };
  rig.caller.on_run["b"] = [&](const json::object&, const plugin::CallContext&) -> json::object {
    running.arrive_and_wait();
    throw Error(Errc::io, "b broke");
  };
  const RunResult result = rig.go();
  CHECK(result.error->what == "b.up: b broke");
  CHECK(rig.reporter.outcome("a.up") == "cancelled");
  CHECK(rig.caller.count("undo a") == 1);
  CHECK(rig.caller.count("undo b") == 1);
}

TEST_CASE("unavailable is tried again with a pause, other errors are not") {
  Rig rig(plan_of({{"a"}, {"b"}}));
  rig.step(0).retries = 3;
  rig.step(1).retries = 3;
  std::atomic<int> attempts = 0;
  rig.caller.on_run["a"] = [&](const json::object&, const plugin::CallContext&) -> json::object {
    if (++attempts < 3) throw Error(Errc::unavailable, "not yet");
    return {};
  };
  rig.caller.on_run["b"] = fails(Errc::io);
  CHECK(rig.go().exit_code == ExitCode::failed);
  CHECK(rig.caller.count("run a") == 3);
  CHECK(rig.caller.count("run b") == 1);
  const auto retries = rig.reporter.all(EventType::step_retrying);
  REQUIRE(retries.size() == 2);
  CHECK(retries[0].at("attempt") == 1);
  CHECK(retries[0].at("in_ms").to_number<int>() >= 3);
  CHECK(retries[1].at("error").at("code") == "unavailable");
}

TEST_CASE("retries end with their number") {
  Rig rig(plan_of({{"a"}}));
  rig.step(0).retries = 2;
  rig.caller.on_run["a"] = fails(Errc::unavailable, "gone");
  const RunResult result = rig.go();
  CHECK(rig.caller.count("run a") == 3);
  CHECK(result.error->code == Errc::unavailable);
}

TEST_CASE("retries end when the deadline leaves no time for another pause") {
  Rig rig(plan_of({{"a"}}));
  rig.step(0).retries = 1000;
  rig.step(0).timeout = 60ms;
  rig.timings.backoff_first = 20ms;
  rig.timings.backoff_most = 20ms;
  rig.caller.on_run["a"] = fails(Errc::unavailable);
  CHECK(rig.go().exit_code == ExitCode::failed);
  CHECK(rig.caller.count("run a") <= 5);
}

TEST_CASE("a step is asked to end at its deadline, and that counts as a timeout") {
  Rig rig(plan_of({{"a"}, {"b"}}));
  rig.step(1).timeout = 30ms;
  rig.caller.on_run["b"] = [](const json::object& request, const plugin::CallContext& context) {
    CHECK(context.deadline.has_value());
    return until_cancelled(request, context);
  };
  const RunResult result = rig.go();
  CHECK(result.error->code == Errc::timeout);
  CHECK(rig.reporter.outcome("b.up") == "timeout");
  CHECK(rig.caller.count("undo a") == 1);
}

TEST_CASE("a step that heeds its deadline is not cancelled, so it can say what it waited for") {
  Rig rig(plan_of({{"a"}}));
  rig.step(0).timeout = 30ms;
  rig.timings.grace = 10s;
  rig.caller.on_run["a"] = [](const json::object&,
                              const plugin::CallContext& context) -> json::object {
    std::this_thread::sleep_until(*context.deadline + 20ms);
    CHECK_FALSE(context.cancel->cancelled());
    throw Error(Errc::timeout, "waited for the tide");
  };
  const RunResult result = rig.go();
  CHECK(result.error->code == Errc::timeout);
  CHECK(result.error->what.find("waited for the tide") != std::string::npos);
}

TEST_CASE("cancel ends the running step, undoes, and exits with 130") {
  Rig rig(plan_of({{"a"}, {"b"}, {"c"}}));
  rig.caller.on_run["b"] = [&](const json::object& request, const plugin::CallContext& context) {
    rig.signals.cancel.cancel();
    return until_cancelled(request, context);
  };
  const RunResult result = rig.go();
  CHECK(result.exit_code == ExitCode::interrupted);
  CHECK(result.outcome == Outcome::cancelled);
  CHECK(rig.caller.calls() == Calls{"run a", "run b", "undo b", "undo a"});
}

TEST_CASE("cancel before the first step runs nothing") {
  Rig rig(plan_of({{"a"}}));
  rig.signals.cancel.cancel();
  CHECK(rig.go().exit_code == ExitCode::interrupted);
  CHECK(rig.caller.calls().empty());
}

TEST_CASE("a cancel that comes when all is done changes nothing") {
  Rig rig(plan_of({{"a"}}));
  rig.caller.on_run["a"] = [&](const json::object&, const plugin::CallContext&) {
    rig.signals.cancel.cancel();
    return json::object{};
  };
  CHECK(rig.go().exit_code == ExitCode::ok);
}

TEST_CASE("a retry pause ends at once on cancel") {
  Rig rig(plan_of({{"a"}}));
  rig.step(0).retries = 1;
  rig.timings.backoff_first = rig.timings.backoff_most = 5s;
  rig.timings.grace = 5s;
  rig.caller.on_run["a"] = [&](const json::object&, const plugin::CallContext&) -> json::object {
    rig.signals.cancel.cancel();
    throw Error(Errc::unavailable, "later");
  };
  const auto begun = std::chrono::steady_clock::now();
  CHECK(rig.go().exit_code == ExitCode::interrupted);
  CHECK(std::chrono::steady_clock::now() - begun < 3s);
}

TEST_CASE("undo is not cancelled by the first Ctrl-C and has its own deadline") {
  Rig rig(plan_of({{"a"}, {"b"}}));
  rig.caller.on_run["b"] = fails(Errc::io);
  rig.caller.on_undo["b"] = [&](const json::object&, const plugin::CallContext& context) {
    rig.signals.cancel.cancel();
    std::this_thread::sleep_for(20ms);
    CHECK_FALSE(context.cancel->cancelled());
    CHECK(*context.deadline > std::chrono::steady_clock::now() + 5s);
    return json::object{};
  };
  CHECK(rig.go().exit_code == ExitCode::failed);
  CHECK(rig.caller.count("undo a") == 1);
}

TEST_CASE("a failed undo exits with 6, names what is left, goes on, and leaves the run open") {
  Rig rig(plan_of({{"a"}, {"b"}, {"c"}}));
  rig.caller.on_run["c"] = fails(Errc::io, "boom");
  rig.caller.on_undo["b"] = fails(Errc::denied, "may not remove it");
  const RunResult result = rig.go();
  CHECK(result.exit_code == ExitCode::undo_failed);
  CHECK(result.outcome == Outcome::undo_failed);
  CHECK(result.not_undone == Calls{"b.up"});
  CHECK(result.error->what == "c.up: boom; not undone: b.up; undo of b.up: may not remove it");
  CHECK(rig.caller.count("undo a") == 1);
  CHECK_FALSE(rig.on_disk().end.has_value());
  CHECK(rig.on_disk().find("b.up")->status == StepStatus::undo_failed);
  const auto end = rig.reporter.all(EventType::run_finished);
  CHECK(end.at(0).at("exit_code") == 6);
  CHECK(end.at(0).at("not_undone") == json::parse(R"(["b.up"])"));
}

TEST_CASE("an undo that refuses stops the undo: what the step stands on stays as it is") {
  Rig rig(plan_of({{"data"}, {"schema"}, {"web"}}));
  rig.caller.on_run["web"] = fails(Errc::io, "boom");
  rig.caller.on_undo["schema"] =
      fails(Errc::refused, "the schema moved from 37 to 46", "rewind it with migrate goto 37");
  const RunResult result = rig.go();
  CHECK(result.exit_code == ExitCode::undo_failed);
  CHECK(rig.caller.count("undo web") == 1);
  CHECK(rig.caller.count("undo schema") == 1);
  CHECK(rig.caller.count("undo data") == 0);
  CHECK(result.not_undone == Calls{"data.up", "schema.up"});
  CHECK(result.error->what ==
        "web.up: boom; undo stopped at schema.up, and data.up, schema.up stay as they are; undo of "
        "schema.up: the schema moved from 37 to 46");
  CHECK(result.error->hint ==
        "rewind it with migrate goto 37; then `fusebox recover --forget` closes the run");
  CHECK_FALSE(rig.on_disk().end.has_value());
  // Tried again, it asks the step that refused first.
  RunState again = rig.on_disk();
  rig.caller.on_undo.erase("schema");
  CHECK(undo(again, rig.context(), {{Errc::internal, "again", ""}, {}, ExitCode::ok}).exit_code ==
        ExitCode::ok);
  CHECK(rig.caller.count("undo data") == 1);
}

TEST_CASE("what the steps of a good run say of the release is merged and put on record") {
  Rig rig(plan_of({{"a"}, {"b"}, {"c"}}));
  json::object recorded;
  rig.record_release = [&](const RunState&, const json::object& release) { recorded = release; };
  rig.caller.on_run["a"] = answers(R"({"release":{"WEB":"4.16","prisma":1}})");
  rig.caller.on_run["c"] = answers(R"({"release":{"prisma":434}})");
  CHECK(rig.go().exit_code == ExitCode::ok);
  CHECK(recorded == json::parse(R"({"WEB":"4.16","prisma":434})"));
}

TEST_CASE("a run that fails, or whose steps name no release, leaves none") {
  for (const bool is_good : {true, false}) {
    Rig rig(plan_of({{"a"}, {"b"}}));
    int records = 0;
    rig.record_release = [&](const RunState&, const json::object&) { ++records; };
    if (!is_good) {
      rig.caller.on_run["a"] = answers(R"({"release":{"WEB":"4.16"}})");
      rig.caller.on_run["b"] = fails(Errc::io);
    }
    rig.go();
    CHECK(records == 0);
  }
}

TEST_CASE("a release that cannot be recorded fails the run and takes nothing back") {
  Rig rig(plan_of({{"a"}}));
  rig.caller.on_run["a"] = answers(R"({"release":{"WEB":"4.16"}})");
  rig.record_release = [](const RunState&, const json::object&) {
    throw Error(Errc::io, "disk full", "free some");
  };
  const RunResult result = rig.go();
  CHECK(result.exit_code == ExitCode::failed);
  CHECK(result.error->what.find("could not be recorded: disk full") != std::string::npos);
  CHECK(rig.caller.count("undo a") == 0);
}

TEST_CASE("what a step says of the stack becomes the exit code") {
  struct Row {
    const char* name;
    const char* result;
    bool effects;
    bool strict;
    ExitCode exit_code;
  };
  const Row rows[] = {
      {"healthy", R"({"status":"healthy"})", false, false, ExitCode::ok},
      {"degraded is fine", R"({"status":"degraded"})", false, false, ExitCode::ok},
      {"degraded, strict", R"({"status":"degraded"})", false, true, ExitCode::unhealthy},
      {"unhealthy", R"({"status":"unhealthy"})", false, false, ExitCode::unhealthy},
      {"findings", R"({"findings":[{"severity":"error"}]})", false, false, ExitCode::findings},
      {"warnings", R"({"findings":[{"severity":"warning"}]})", false, false, ExitCode::ok},
      {"a status outranks findings", R"({"status":"healthy","findings":[{"severity":"error"}]})",
       false, false, ExitCode::ok},
      {"odd findings", R"({"findings":[1,"x",{"severity":2}]})", false, false, ExitCode::ok},
      {"findings that are no list", R"({"findings":{}})", false, false, ExitCode::ok},
      {"gate: healthy", R"({"status":"healthy"})", true, false, ExitCode::ok},
      {"gate: unhealthy", R"({"status":"unhealthy"})", true, false, ExitCode::failed},
      {"gate: degraded", R"({"status":"degraded"})", true, false, ExitCode::ok},
      {"gate: degraded, strict", R"({"status":"degraded"})", true, true, ExitCode::failed},
      {"gate: findings", R"({"findings":[{"severity":"error"}]})", true, false, ExitCode::failed}};
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Rig rig(row.effects ? plan_of({{"a"}, {"b?"}}) : plan_of({{"b?"}}));
    rig.strict = row.strict;
    rig.caller.on_run["b"] = answers(row.result);
    CHECK(rig.go().exit_code == row.exit_code);
    CHECK(rig.caller.count("undo a") == (row.exit_code == ExitCode::failed ? 1 : 0));
  }
}

TEST_CASE("a closed gate says why and what to do, and its result is kept for undo") {
  Rig rig(plan_of({{"a"}}));
  rig.caller.on_run["a"] =
      answers(R"({"status":"unhealthy","findings":[{"severity":"error","what":"disk full",)"
              R"("remedy":"free some space"}],"id":7})");
  const RunResult result = rig.go();
  CHECK(result.error->what == "a.up: unhealthy: disk full");
  CHECK(result.error->hint == "free some space");
  CHECK(rig.caller.request("undo a").at("result").at("id") == 7);
}

TEST_CASE("in a read-only phase every step runs, whatever the others say") {
  Rig rig(plan_of({{"a?"}, {"b?"}, {"c?"}}));
  rig.caller.on_run["a"] = fails(Errc::io, "no answer");
  rig.caller.on_run["b"] = answers(R"({"status":"unhealthy"})");
  const RunResult result = rig.go();
  CHECK(result.exit_code == ExitCode::unhealthy);
  CHECK(result.outcome == Outcome::unhealthy);
  CHECK(rig.caller.calls() == Calls{"run a", "run b", "run c"});
  CHECK(rig.reporter.outcome("b.up") == "ok");
}

TEST_CASE("in a read-only phase an error is 1, and the answer no is unhealthy") {
  Rig error(plan_of({{"a?"}}));
  error.caller.on_run["a"] = fails(Errc::io);
  CHECK(error.go().exit_code == ExitCode::failed);
  Rig answer(plan_of({{"a?"}}));
  answer.caller.on_run["a"] = fails(Errc::failed);
  CHECK(answer.go().exit_code == ExitCode::unhealthy);
}

TEST_CASE("cancel of a read-only phase exits with 130") {
  Rig rig(plan_of({{"a?"}}));
  rig.caller.on_run["a"] = [&](const json::object& request, const plugin::CallContext& context) {
    CHECK_FALSE(context.checkpoint);
    rig.signals.cancel.cancel();
    return until_cancelled(request, context);
  };
  CHECK(rig.go().exit_code == ExitCode::interrupted);
}

TEST_CASE("a soft skip is 75 when all else goes well, and is not undone") {
  Rig rig(plan_of({{"a"}, {"b"}}));
  rig.caller.on_run["a"] = fails(Errc::skipped, "the drive is absent");
  CHECK(rig.go().exit_code == ExitCode::skipped);
  CHECK(rig.caller.calls() == Calls{"run a", "run b"});
  CHECK(rig.reporter.outcome("a.up") == "skipped");
  CHECK(rig.on_disk().find("a.up")->error->what == "the drive is absent");

  Rig failing(plan_of({{"a"}, {"b"}}));
  failing.caller.on_run["a"] = fails(Errc::skipped, "the drive is absent");
  failing.caller.on_run["b"] = fails(Errc::io);
  CHECK(failing.go().exit_code == ExitCode::failed);
  CHECK(failing.caller.count("undo a") == 0);

  Rig read_only(plan_of({{"a?"}}));
  read_only.caller.on_run["a"] = fails(Errc::skipped, "the drive is absent");
  CHECK(read_only.go().exit_code == ExitCode::skipped);
}

TEST_CASE("a step that --skip leaves out is seen in events and journal and not run") {
  Rig rig(plan_of({{"a"}, {"b"}}));
  rig.step(0).skipped = true;
  CHECK(rig.go().exit_code == ExitCode::ok);
  CHECK(rig.caller.calls() == Calls{"run b"});
  CHECK(rig.reporter.outcome("a.up") == "skipped");
  CHECK(rig.on_disk().find("a.up")->status == StepStatus::skipped);
}

TEST_CASE("a plugin that cannot be loaded stops a phase with effects before its first step") {
  Rig rig(plan_of({{"a"}, {"b"}, {"c"}}));
  rig.step(2).skipped = true;
  rig.caller.on_prepare["b"] = fails(Errc::not_found, "no such library");
  rig.caller.on_prepare["c"] = fails(Errc::not_found, "not asked for");
  const RunResult result = rig.go();
  CHECK(result.exit_code == ExitCode::failed);
  CHECK(result.error->what == "b.up: no such library");
  CHECK(rig.caller.calls().empty());
  // A phase that only reads goes as far as it can.
  Rig read_only(plan_of({{"a?"}, {"b?"}}));
  read_only.caller.on_prepare["b"] = fails(Errc::not_found, "no such library");
  CHECK(read_only.go().exit_code == ExitCode::ok);
}

TEST_CASE("the operator can stop the loading of plugins, and leave one that hangs") {
  Rig rig(plan_of({{"a"}}));
  rig.caller.on_prepare["a"] = [&](const json::object& request,
                                   const plugin::CallContext& context) {
    rig.signals.cancel.cancel();
    return until_cancelled(request, context);
  };
  CHECK(rig.go().exit_code == ExitCode::interrupted);
  CHECK(rig.caller.calls().empty());

  Rig stuck(plan_of({{"a"}}));
  std::atomic<bool> release = false;
  stuck.timings.grace = 60s;
  stuck.caller.on_prepare["a"] = [&](const json::object&, const plugin::CallContext&) {
    stuck.signals.cancel.cancel();
    stuck.signals.leave.cancel();
    while (!release) std::this_thread::sleep_for(1ms);
    return json::object{};
  };
  const RunResult result = stuck.go();
  CHECK(result.left);
  CHECK(result.abandoned);
  release = true;
}

TEST_CASE("an exception that is no Error becomes an internal failure that names the step") {
  Rig rig(plan_of({{"a"}}));
  rig.caller.on_run["a"] = [](const json::object&, const plugin::CallContext&) -> json::object {
    throw std::runtime_error("odd");
  };
  const RunResult result = rig.go();
  CHECK(result.error->code == Errc::internal);
  CHECK(result.error->what == "a.up: odd");
  Rig odder(plan_of({{"a"}}));
  odder.caller.on_run["a"] = [](const json::object&, const plugin::CallContext&) -> json::object {
    throw 42;
  };
  CHECK(odder.go().error->what == "a.up: unknown exception");
}

TEST_CASE("a checkpoint that is not an object is the plugin's bug") {
  Rig rig(plan_of({{"a"}}));
  rig.caller.on_run["a"] = [](const json::object&, const plugin::CallContext& context) {
    context.checkpoint("[1]");
    return json::object{};
  };
  CHECK(rig.go().error->code == Errc::argument);
}

TEST_CASE("secrets are taken out of events, but labels stay readable") {
  Rig rig(plan_of({{"a"}}));
  rig.redact = [](std::string_view text) {
    std::string copy(text);
    for (auto at = copy.find('n'); at != std::string::npos; at = copy.find('n')) copy[at] = '*';
    return copy;
  };
  rig.caller.on_run["a"] = fails(Errc::io, "password: banana");
  rig.go();
  const auto finished = rig.reporter.all(EventType::step_finished);
  CHECK(finished.at(0).at("step") == "a.up");
  CHECK(finished.at(0).at("error").at("what") == "password: ba*a*a");
}

namespace {

// Fails from the n-th line on, as a full disk does.
class FullDisk : public JournalSink {
 public:
  FullDisk(std::shared_ptr<MemorySink::Lines> lines, int good) : memory_(lines), good_(good) {}
  void append(std::string_view line) override {
    if (good_-- <= 0) throw Error(Errc::io, "no space left on device", "free some");
    memory_.append(line);
  }

 private:
  MemorySink memory_;
  int good_;
};

}  // namespace

TEST_CASE("a journal that cannot be written stops the run and undoes what was begun") {
  for (int good = 0; good < 6; ++good) {
    CAPTURE(good);
    Rig rig(plan_of({{"a"}, {"b"}}));
    rig.caller.on_run["a"] = [](const json::object&, const plugin::CallContext& context) {
      context.checkpoint("{}");
      return json::object{};
    };
    rig.state = make_state(rig.plan, "r1", "stack", "0.1.0");
    rig.journal.emplace(std::make_unique<FullDisk>(rig.lines, good), Redact{});
    const RunResult result = execute(rig.state, rig.context());
    // Lines: start a, checkpoint, done a, start b, done b, end.
    CHECK(result.exit_code == ExitCode::failed);
    CHECK(result.error->what.find("cannot write the journal: no space left") != std::string::npos);
    CHECK(rig.caller.count("run b") == (good >= 4 ? 1 : 0));
    CHECK(rig.caller.count("undo a") == (good >= 1 && good < 5 ? 1 : 0));
  }
}

TEST_CASE("a resumed run goes on at the interrupted step and repeats nothing that is done") {
  Rig rig(plan_of({{"a"}, {"b"}, {"c"}}));
  rig.state = make_state(rig.plan, "r1", "stack", "0.1.0");
  const auto now = std::chrono::system_clock::now();
  apply(rig.state, {RecordType::step_start, now, {{"step", "a.up"}}});
  apply(rig.state, {RecordType::step_done,
                    now,
                    {{"step", "a.up"}, {"duration_ms", 1}, {"result", json::object{{"n", 1}}}}});
  apply(rig.state, {RecordType::step_start, now, {{"step", "b.up"}}});
  rig.journal.emplace(std::make_unique<MemorySink>(rig.lines), Redact{});
  rig.caller.on_run["c"] = fails(Errc::io);
  const RunResult result = execute(rig.state, rig.context());
  CHECK(result.exit_code == ExitCode::failed);
  CHECK(rig.caller.calls() == Calls{"run b", "run c", "undo c", "undo b", "undo a"});
  CHECK(rig.caller.request("undo a").at("result").at("n") == 1);
}
