// SPDX-License-Identifier: Apache-2.0
#include "run/phase.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <chrono>
#include <fstream>
#include <thread>

#include "file_steps.hpp"
#include "run/lock.hpp"
#include "run/recover.hpp"
#include "run/release.hpp"

using namespace fusebox;
using namespace fusebox::run;
using namespace fusebox::run::test;
using namespace std::chrono_literals;
namespace json = boost::json;
using config::OnFailure;
using report::EventType;
using Files = std::set<std::string>;

namespace {

const Files all_of_a{"a.1", "a.2"};

FileSteps::Hook in(const std::string& instance, std::function<void()> what) {
  return [=](const std::string& name, const plugin::CallContext&) {
    if (name == instance) what();
  };
}

void crash() {
  ::signal(SIGSEGV, SIG_DFL);
  ::raise(SIGSEGV);
}

void break_down() { throw Error(Errc::io, "it broke"); }

std::string text(const json::value& value) { return std::string(value.as_string()); }

// The error of the last run_finished.
std::string last_error(const Stage& stage) {
  const auto events = stage.events(EventType::run_finished);
  return events.empty() ? "" : text(events.back().at("error").at("what"));
}

}  // namespace

TEST_CASE("a phase that goes well leaves its effects, an ended journal and a free stack") {
  Stage stage;
  CHECK(stage.go(plan_of({{"a"}, {"b"}})) == ExitCode::ok);
  CHECK(stage.steps.files() == Files{"a.1", "a.2", "b.1", "b.2"});
  CHECK(stage.last().end->outcome == Outcome::ok);
  CHECK_FALSE(lock_holder(stage.state_dir).has_value());
  CHECK(stage.events(EventType::run_finished).size() == 1);
}

TEST_CASE("a phase whose steps name a release puts it on record") {
  Stage stage;
  stage.steps.release = {{"WEB", "4.16"}};
  CHECK(stage.go(plan_of({{"a"}})) == ExitCode::ok);
  CHECK(last_release(stage.state_dir).at("release") == json::parse(R"({"WEB":"4.16"})"));
  CHECK(text(last_release(stage.state_dir).at("run")) == stage.last().id);
}

TEST_CASE("a phase that fails is undone") {
  Stage stage;
  stage.steps.during_run = in("b", break_down);
  CHECK(stage.go(plan_of({{"a"}, {"b"}, {"c"}})) == ExitCode::failed);
  CHECK(stage.steps.files().empty());
  CHECK(stage.last().end->outcome == Outcome::undone);
}

TEST_CASE("a plugin that crashes the process is named, and the run is undone by another process") {
  Stage stage;
  stage.steps.during_run = in("b", crash);
  CHECK(stage.go(plan_of({{"a"}, {"b"}, {"c"}})) == ExitCode::failed);
  CHECK(stage.steps.files().empty());
  CHECK(stage.last().end->outcome == Outcome::undone);
  CHECK(last_error(stage) ==
        "the process died in step b.up (instance \"b\"): killed by signal 11 (Segmentation fault)");
  CHECK(stage.events(EventType::undo_finished).size() == 2);
}

TEST_CASE("a plugin that calls exit(0) is no success") {
  Stage stage;
  stage.steps.during_run = in("b", [] { ::_exit(0); });
  CHECK(stage.go(plan_of({{"a"}, {"b"}})) == ExitCode::failed);
  CHECK(stage.steps.files().empty());
  CHECK(last_error(stage).find("called exit(0)") != std::string::npos);
}

TEST_CASE("a child that is killed for lack of memory says what may be the reason") {
  Stage stage;
  stage.steps.during_run = in("a", [] { ::kill(::getpid(), SIGKILL); });
  CHECK(stage.go(plan_of({{"a"}})) == ExitCode::failed);
  CHECK(text(stage.events(EventType::run_finished).back().at("error").at("hint")).find("memory") !=
        std::string::npos);
}

TEST_CASE("steps of one group that were under way in a crash are all undone") {
  Stage stage;
  stage.steps.during_run = [](const std::string& name, const plugin::CallContext&) {
    std::this_thread::sleep_for(name == "b" ? 50ms : 5s);
    crash();
  };
  CHECK(stage.go(plan_of({{"a", "b", "c"}})) == ExitCode::failed);
  CHECK(stage.steps.files().empty());
  CHECK(last_error(stage).find("a.up (instance \"a\"), b.up (instance \"b\")") !=
        std::string::npos);
}

TEST_CASE("a crash in a phase that does not undo ends the run as it stands") {
  Stage stage;
  stage.steps.during_run = in("b", crash);
  CHECK(stage.go(plan_of({{"a"}, {"b"}}, OnFailure::stop)) == ExitCode::failed);
  CHECK(stage.steps.files() == Files{"a.1", "a.2", "b.1"});
  CHECK(stage.last().end->outcome == Outcome::failed);
  CHECK(stage.last().find("b.up")->status == StepStatus::failed);
}

TEST_CASE("a step that hangs is given up, and its process ends before the undo begins") {
  Stage stage;
  stage.timings.grace = 50ms;
  stage.steps.during_run = in("b", [] { std::this_thread::sleep_for(60s); });
  auto plan = plan_of({{"a"}, {"b"}});
  plan.groups[1][0].timeout = 50ms;
  const auto begun = std::chrono::steady_clock::now();
  CHECK(stage.go(plan) == ExitCode::failed);
  CHECK(std::chrono::steady_clock::now() - begun < 30s);
  CHECK(stage.steps.files().empty());
  CHECK(last_error(stage).find("b.up (instance \"b\") did not end within its deadline") == 0);
  CHECK(stage.last().end->outcome == Outcome::undone);
}

TEST_CASE("a step that ignores being stopped because another failed is not taken for the reason") {
  Stage stage;
  stage.timings.grace = 50ms;
  stage.steps.during_run = [](const std::string& name, const plugin::CallContext&) {
    if (name == "a") std::this_thread::sleep_for(60s);
    std::this_thread::sleep_for(20ms);
    break_down();
  };
  CHECK(stage.go(plan_of({{"a", "b"}})) == ExitCode::failed);
  CHECK(last_error(stage) == "it broke");
  CHECK(stage.steps.files().empty());
}

namespace {

// A plugin that does what `on_prepare` says when it is loaded.
struct Loading : FileSteps {
  using FileSteps::FileSteps;
  void prepare(const std::string& instance, const plugin::CallContext&) override {
    if (instance == "b") on_prepare();
  }
  std::function<void()> on_prepare;
};

}  // namespace

TEST_CASE("a plugin that crashes or fails while it is loaded stops the phase before any effect") {
  struct Row {
    std::function<void()> on_prepare;
    std::string expected;
  };
  const Row rows[] = {
      {crash,
       "the process died before the first step, while plugins were being loaded: killed by signal "
       "11 (Segmentation fault)"},
      {break_down, "b.up: it broke"}};
  for (const Row& row : rows) {
    Stage stage;
    Loading steps(stage.dir.path() / "made");
    steps.on_prepare = row.on_prepare;
    Environment environment{
        "stack", stage.state_dir,
        "0.1.0", steps,
        {},      [&] {
                              return std::make_unique<FileReporter>(stage.dir.path() / "events"); },
        quick()};
    CHECK(run_phase(plan_of({{"a"}, {"b"}}), environment) == ExitCode::failed);
    CHECK(stage.steps.files().empty());
    CHECK(last_error(stage) == row.expected);
    CHECK(stage.last().end->outcome == Outcome::undone);
    CHECK_FALSE(stage.last().find("a.up")->started);
  }
}

TEST_CASE("an undo that crashes exits with 6, and the other steps are undone all the same") {
  Stage stage;
  stage.steps.during_run = in("d", break_down);
  stage.steps.during_undo = [](const std::string& name, const plugin::CallContext&) {
    if (name == "b" || name == "c") crash();
  };
  CHECK(stage.go(plan_of({{"a"}, {"b"}, {"c"}, {"d"}})) == ExitCode::undo_failed);
  CHECK(stage.steps.files() == Files{"b.2", "c.2"});
  const RunState open = stage.last();
  CHECK_FALSE(open.end.has_value());
  CHECK(open.not_undone() == std::vector<std::string>{"b.up", "c.up"});
  CHECK_THROWS_AS(stage.go(plan_of({{"z"}})), Error);

  stage.steps.during_undo = {};
  CHECK(recover(RecoverMode::undo, stage.environment()) == ExitCode::ok);
  CHECK(stage.steps.files().empty());
  CHECK(stage.last().end->outcome == Outcome::undone);
}

TEST_CASE("a run whose undo keeps failing can be closed by hand") {
  Stage stage;
  stage.steps.during_run = in("b", break_down);
  stage.steps.during_undo = in("a", break_down);
  CHECK(stage.go(plan_of({{"a"}, {"b"}})) == ExitCode::undo_failed);
  CHECK(recover(RecoverMode::undo, stage.environment()) == ExitCode::undo_failed);
  CHECK(recover(RecoverMode::forget, stage.environment()) == ExitCode::ok);
  CHECK(stage.last().end->outcome == Outcome::forgotten);
  stage.steps.during_run = {};
  CHECK(stage.go(plan_of({{"a"}})) == ExitCode::ok);
}

TEST_CASE("a plugin that crashes a read-only phase is named, and the other steps still run") {
  Stage stage;
  const auto dir = stage.dir.path();
  struct Reader : FileSteps {
    using FileSteps::FileSteps;
    json::object run(const std::string& name, const json::object&,
                     const plugin::CallContext&) override {
      if (name == "b") crash();
      if (name == "d") ::_exit(0);
      return {{"status", "healthy"}};
    }
  } reader(dir);
  Environment environment{"stack", stage.state_dir,
                          "0.1.0", reader,
                          {},      [&] { return std::make_unique<FileReporter>(dir / "events"); },
                          quick()};
  CHECK(run_phase(plan_of({{"a?"}, {"b?"}, {"c?", "d?"}, {"e?"}}), environment) ==
        ExitCode::failed);
  std::map<std::string, std::string> outcomes;
  for (const auto& event : stage.events(EventType::step_finished))
    outcomes[text(event.at("step"))] = text(event.at("outcome"));
  CHECK(outcomes.at("a.up") == "ok");
  CHECK(outcomes.at("b.up") == "failed");
  CHECK(outcomes.at("d.up") == "failed");
  CHECK(outcomes.at("e.up") == "ok");
  CHECK_FALSE(std::filesystem::exists(stage.state_dir));
}

TEST_CASE("a locked stack is refused, but what only reads runs") {
  Stage stage;
  const StackLock lock = StackLock::acquire(stage.state_dir, "deploy (run x)");
  CHECK_THROWS_AS(stage.go(plan_of({{"a"}})), Error);
  CHECK(stage.steps.files().empty());
  stage.steps.during_run = {};
  struct Reader : FileSteps {
    using FileSteps::FileSteps;
    json::object run(const std::string&, const json::object&, const plugin::CallContext&) override {
      return {};
    }
  } reader(stage.dir.path());
  Environment environment{
      "stack", stage.state_dir,
      "0.1.0", reader,
      {},      [&] { return std::make_unique<FileReporter>(stage.dir.path() / "e"); },
      quick()};
  CHECK(run_phase(plan_of({{"a?"}}), environment) == ExitCode::ok);
}

TEST_CASE("without an interrupted run there is nothing to recover") {
  Stage stage;
  CHECK_THROWS_WITH_AS(recover(RecoverMode::undo, stage.environment()),
                       "there is no interrupted run", Error);
}

namespace {

// Runs `plan` in another process and kills that with SIGKILL when `instance` is half way.
void kill_in(Stage& stage, const plan::Plan& plan, const std::string& instance) {
  const auto ready = stage.dir.path() / "ready";
  const pid_t parent = ::fork();
  REQUIRE(parent >= 0);
  if (parent == 0) {
    stage.steps.during_run = in(instance, [&] {
      std::ofstream(ready) << "yes\n" << std::flush;
      std::this_thread::sleep_for(60s);
    });
    stage.go(plan);
    ::_exit(0);
  }
  REQUIRE(eventually([&] { return std::filesystem::exists(ready); }));
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
}

}  // namespace

TEST_CASE("kill -9 of fusebox leaves an open run that the next command tells and recover undoes") {
  Stage stage;
  kill_in(stage, plan_of({{"a"}, {"b"}, {"c"}}), "b");
  CHECK(stage.steps.files() == Files{"a.1", "a.2", "b.1"});
  try {
    stage.go(plan_of({{"z"}}));
    FAIL("a run was open");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("of phase deploy was interrupted in step b.up") !=
          std::string::npos);
    CHECK(exit_code_for(error.code()) == ExitCode::locked);
  }
  CHECK(recover(RecoverMode::undo, stage.environment()) == ExitCode::ok);
  CHECK(stage.steps.files().empty());
  CHECK(stage.go(plan_of({{"a"}})) == ExitCode::ok);
}

TEST_CASE("an interrupted run can be resumed at the step that it was in") {
  Stage stage;
  kill_in(stage, plan_of({{"a"}, {"b"}, {"c"}}), "b");
  std::filesystem::remove(stage.dir.path() / "made" / "a.1");  // a.up is done: not run again
  CHECK(recover(RecoverMode::resume, stage.environment()) == ExitCode::ok);
  CHECK(stage.steps.files() == Files{"a.2", "b.1", "b.2", "c.1", "c.2"});
  CHECK(stage.last().end->outcome == Outcome::ok);
  CHECK(list_runs(stage.state_dir).size() == 1);
}

TEST_CASE("a resumed run that fails is undone as a whole") {
  Stage stage;
  kill_in(stage, plan_of({{"a"}, {"b"}, {"c"}}), "b");
  stage.steps.during_run = in("c", crash);
  CHECK(recover(RecoverMode::resume, stage.environment()) == ExitCode::failed);
  CHECK(stage.steps.files().empty());
}

TEST_CASE("a run whose undo has begun is not resumed") {
  Stage stage;
  stage.steps.during_run = in("b", break_down);
  stage.steps.during_undo = in("a", break_down);
  CHECK(stage.go(plan_of({{"a"}, {"b"}})) == ExitCode::undo_failed);
  try {
    recover(RecoverMode::resume, stage.environment());
    FAIL("it was resumed");
  } catch (const Error& error) {
    CHECK(error.code() == Errc::conflict);
    CHECK(std::string(error.what()).find("its undo has begun") != std::string::npos);
  }
}

TEST_CASE("SIGTERM cancels, undoes and exits with 130") {
  Stage stage;
  const auto ready = stage.dir.path() / "ready";
  const pid_t parent = ::fork();
  REQUIRE(parent >= 0);
  if (parent == 0) {
    stage.steps.during_run = [&](const std::string& name, const plugin::CallContext& context) {
      if (name != "b") return;
      std::ofstream(ready) << "yes\n" << std::flush;
      while (!context.cancel->cancelled()) std::this_thread::sleep_for(1ms);
      throw Error(Errc::cancelled, "stopped as asked");
    };
    ::_exit(to_int(stage.go(plan_of({{"a"}, {"b"}}))));
  }
  REQUIRE(eventually([&] { return std::filesystem::exists(ready); }));
  ::kill(parent, SIGTERM);
  int status = 0;
  ::waitpid(parent, &status, 0);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 130);
  CHECK(stage.steps.files().empty());
  CHECK(stage.last().end->outcome == Outcome::cancelled);
}

TEST_CASE("old journals go, one hundred stay") {
  Stage stage;
  for (int i = 0; i < 4; ++i) {
    Environment environment = stage.environment();
    environment.keep_runs = 2;
    CHECK(run_phase(plan_of({{"a"}}), environment) == ExitCode::ok);
  }
  CHECK(list_runs(stage.state_dir).size() == 3);  // two of before, and the last one
}
