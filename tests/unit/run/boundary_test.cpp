// SPDX-License-Identifier: Apache-2.0
// kill -9 at every boundary of the journal, forward, in undo, and in recovery.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file_steps.hpp"
#include "run/recover.hpp"

using namespace fusebox;
using namespace fusebox::run;
using namespace fusebox::run::test;
using Files = std::set<std::string>;

namespace {

enum class Kill { before, torn, after };

// Dies at the n-th append: before it, with half a line written, or when the line is on disk.
class DeadlySink : public JournalSink {
 public:
  DeadlySink(std::unique_ptr<JournalSink> sink, int n, Kill kill)
      : sink_(std::move(sink)), left_(n), kill_(kill) {}
  void append(std::string_view line) override {
    const bool is_it = left_-- == 0;
    if (is_it && kill_ == Kill::before) die();
    if (is_it && kill_ == Kill::torn) {
      sink_->append(line.substr(0, line.size() / 2));
      die();
    }
    sink_->append(line);
    if (is_it) die();
  }

 private:
  static void die() {
    ::kill(::getpid(), SIGKILL);
    ::pause();
  }
  std::unique_ptr<JournalSink> sink_;
  int left_;
  Kill kill_;
};

struct Scenario {
  std::string name;
  plan::Plan plan;
  bool fails = false;  // the last step does
};

std::vector<Scenario> scenarios() {
  return {{"in order", plan_of({{"a"}, {"b"}}), false},
          {"in order, failing", plan_of({{"a"}, {"b"}}), true},
          {"in parallel, failing", plan_of({{"a"}, {"b", "c"}, {"d"}}), true}};
}

// What every step would make.
Files everything(const plan::Plan& plan) {
  Files files;
  for (const auto& group : plan.groups)
    for (const auto& step : group) {
      files.insert(step.instance + ".1");
      files.insert(step.instance + ".2");
    }
  return files;
}

ExecutorContext context_of(Stage& stage, FakeReporter& reporter, Journal& journal) {
  return {stage.steps, reporter, {}, &journal, nullptr, stage.timings, false};
}

// True when the run was killed at its n-th record; false when it has fewer.
bool run_and_kill(Stage& stage, const Scenario& scenario, int n, Kill kill) {
  const int status = in_child([&] {
    if (scenario.fails)
      stage.steps.during_run = [&](const std::string& name, const plugin::CallContext&) {
        if (name == scenario.plan.groups.back().back().instance) throw Error(Errc::io, "broken");
      };
    FakeReporter reporter;
    const auto file = journal_file(stage.state_dir, "r1");
    Journal journal(std::make_unique<DeadlySink>(create_journal_file(file), n, kill), {});
    RunState state;
    const Record start = run_start(scenario.plan, "r1", "stack", "0.1.0", ::getpid(),
                                   std::chrono::system_clock::now());
    journal.append(start);
    apply(state, start);
    execute(state, context_of(stage, reporter, journal));
  });
  if (WIFEXITED(status)) REQUIRE(WEXITSTATUS(status) == 0);
  return WIFSIGNALED(status);
}

// The same for the undo of an open run.
bool undo_and_kill(Stage& stage, int n, Kill kill) {
  const int status = in_child([&] {
    auto open = find_open_run(stage.state_dir);
    FakeReporter reporter;
    Journal journal(
        std::make_unique<DeadlySink>(
            reopen_journal_file(journal_file(stage.state_dir, "r1"), open->valid_bytes), n, kill),
        {});
    const ExecutorContext context = context_of(stage, reporter, journal);
    const Failure reason{Errc::internal, "interrupted", {}};
    fail_interrupted(open->state, context, reason);
    undo(open->state, context, {reason, {}, std::nullopt});
  });
  if (WIFEXITED(status)) REQUIRE(WEXITSTATUS(status) == 0);
  return WIFSIGNALED(status);
}

bool is_open(const Stage& stage) { return find_open_run(stage.state_dir).has_value(); }

}  // namespace

TEST_CASE("killed at any boundary, recover brings back the state before") {
  for (const Scenario& scenario : scenarios()) {
    CAPTURE(scenario.name);
    int boundaries = 0;
    for (const Kill kill : {Kill::before, Kill::torn, Kill::after})
      for (int n = 0;; ++n) {
        CAPTURE(n);
        CAPTURE(static_cast<int>(kill));
        Stage stage;
        const bool was_killed = run_and_kill(stage, scenario, n, kill);
        if (!was_killed) break;
        ++boundaries;
        if (is_open(stage)) {
          CHECK_THROWS_AS(stage.go(plan_of({{"z"}})), Error);
          CHECK(recover(RecoverMode::undo, stage.environment()) == ExitCode::ok);
          CHECK(stage.steps.files().empty());
        } else {
          // Killed before its first record, or after its last.
          const bool is_whole = n > 0 && !scenario.fails;
          CHECK(stage.steps.files() == (is_whole ? everything(scenario.plan) : Files{}));
        }
        CHECK_FALSE(is_open(stage));
      }
    CHECK(boundaries >= 24);
    MESSAGE(scenario.name << ": killed at " << boundaries << " boundaries");
  }
}

TEST_CASE("killed at any boundary before undo began, resume brings the run to its end") {
  const Scenario scenario = scenarios()[0];
  for (const Kill kill : {Kill::before, Kill::torn, Kill::after})
    for (int n = 0;; ++n) {
      CAPTURE(n);
      CAPTURE(static_cast<int>(kill));
      Stage stage;
      if (!run_and_kill(stage, scenario, n, kill)) break;
      if (!is_open(stage)) continue;
      CHECK(recover(RecoverMode::resume, stage.environment()) == ExitCode::ok);
      CHECK(stage.steps.files() == everything(scenario.plan));
      CHECK(stage.last().end->outcome == Outcome::ok);
    }
}

TEST_CASE("recovery itself can be killed at any boundary and called again") {
  const Scenario scenario = scenarios()[2];
  for (const Kill kill : {Kill::before, Kill::torn, Kill::after})
    for (int n = 0;; ++n) {
      CAPTURE(n);
      CAPTURE(static_cast<int>(kill));
      Stage stage;
      REQUIRE(run_and_kill(stage, scenario, 10, Kill::after));
      REQUIRE(is_open(stage));
      const bool was_killed = undo_and_kill(stage, n, kill);
      if (is_open(stage)) CHECK(recover(RecoverMode::undo, stage.environment()) == ExitCode::ok);
      CHECK(stage.steps.files().empty());
      CHECK(stage.last().end->outcome == Outcome::undone);
      if (!was_killed) break;
    }
}
