// SPDX-License-Identifier: Apache-2.0
#include "run/phase.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <set>

#include "run/interrupt.hpp"
#include "run/lock.hpp"
#include "run/recover.hpp"
#include "run/release.hpp"
#include "run/supervise.hpp"
#include "util/error.hpp"

namespace fusebox::run {

namespace fs = std::filesystem;

namespace {

// Where a read-only phase notes its steps, so that after a crash one can tell which it was. Has no
// name, needs no folder of ours, and goes with the process.
class Scratch {
 public:
  Scratch() : file_(std::tmpfile(), &std::fclose) {
    if (!file_) throw system_error("create", "a temporary file", errno);
  }
  int fd() const { return ::fileno(file_.get()); }
  std::string text() const {
    std::string all;
    char buffer[4096];
    for (ssize_t n = 0;
         (n = ::pread(fd(), buffer, sizeof buffer, static_cast<off_t>(all.size()))) > 0;)
      all.append(buffer, static_cast<std::size_t>(n));
    return all;
  }

 private:
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

class ScratchSink : public JournalSink {
 public:
  explicit ScratchSink(const Scratch& scratch) : fd_(scratch.fd()) {}
  void append(std::string_view line) override {
    if (::write(fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
      throw system_error("write", "a temporary file", errno);
  }

 private:
  int fd_;
};

// One piece of work on a run, in a process that may die of it.
class Worker {
 public:
  using Work = std::function<RunResult(RunState&, const ExecutorContext&)>;

  Worker(const Environment& environment, std::unique_ptr<JournalSink> sink)
      : environment_(environment), journal_(std::move(sink), environment.redact) {}

  Journal& journal() { return journal_; }

  // The body of a supervised child.
  int run(RunState state, const Work& work) {
    Signals signals;
    const InterruptScope interrupts(signals);
    const auto reporter = environment_.make_reporter();
    const auto record = [&](const RunState& now, const boost::json::object& release) {
      record_release(environment_.state_dir, now, release, std::chrono::system_clock::now());
    };
    const RunResult result =
        work(state, {environment_.caller, *reporter, environment_.redact, &journal_, &signals,
                     environment_.timings, environment_.strict, record});
    if (!result.outcome && result.abandoned && !result.left)
      throw HandOver{result.error ? result.error->what : ""};
    return to_int(result.exit_code);
  }

 private:
  const Environment& environment_;
  Journal journal_;
};

// Why a run is being given up: a step that was stopped because another failed is not the reason.
std::optional<Failure> first_failure(const RunState& state) {
  std::optional<Failure> stopped;
  for (const StepState& step : state.steps) {
    if (step.status != StepStatus::failed || !step.error) continue;
    if (step.error->code != Errc::cancelled) return step.error;
    if (!stopped) stopped = step.error;
  }
  return stopped;
}

// Where in the run the dead process was.
std::string place_of(const RunState& state) {
  const auto labels = state.interrupted();
  if (labels.empty())
    return std::none_of(state.steps.begin(), state.steps.end(),
                        [](const StepState& step) { return step.started; })
               ? "before the first step, while plugins were being loaded"
               : "between two steps";
  std::string steps;
  for (const std::string& label : labels)
    steps += fmt::format("{}{} (instance \"{}\")", steps.empty() ? "" : ", ", label,
                         state.find(label)->step.instance);
  return "in step " + steps;
}

// Which steps the dead process was in, and how it died.
Failure crash_failure(const RunState& state, const CrashInfo& crash) {
  if (crash.kind == CrashInfo::Kind::handed_over)
    return first_failure(state).value_or(Failure{
        Errc::timeout, crash.text, "a plugin that hangs has a bug: report it to its author"});
  const std::string what = fmt::format("the process died {}: {}", place_of(state), crash.str());
  if (crash.kind == CrashInfo::Kind::signal && crash.number == SIGKILL)
    return {Errc::internal, what, "perhaps the system ran out of memory: see its log"};
  // A signal that came before the child was ready to cancel.
  if (crash.kind == CrashInfo::Kind::signal &&
      (crash.number == SIGINT || crash.number == SIGTERM || crash.number == SIGHUP))
    return {Errc::cancelled, "interrupted by the operator", {}};
  return {Errc::internal, what,
          state.interrupted().empty() ? "report it with the run's journal"
                                      : "this is a bug of the plugin: report it to its author"};
}

// A run with a journal in the stack's state folder. Made by the holder of the stack's lock.
class Session {
 public:
  Session(const Environment& environment, fs::path file)
      : environment_(environment), file_(std::move(file)) {}

  // Runs forward from `state`.
  ExitCode forward(RunState state, Worker& worker);
  // Undoes what the journal tells, in a fresh process per crash.
  ExitCode backward(const UndoRequest& request);

 private:
  enum class Direction { forward, backward };

  ExitCode clean_up(const CrashInfo& crash);
  ExitCode give_up(const JournalText& journal, const Failure& failure);
  Worker reopened(const JournalText& journal) {
    return {environment_, reopen_journal_file(file_, journal.valid_bytes)};
  }

  const Environment& environment_;
  fs::path file_;
};

ExitCode Session::forward(RunState state, Worker& worker) {
  return static_cast<ExitCode>(
      supervise([&] { return worker.run(state, execute); },
                [&](const CrashInfo& crash) { return to_int(clean_up(crash)); }));
}

ExitCode Session::clean_up(const CrashInfo& crash) {
  const JournalText journal = read_journal(file_);
  // It died after its last word.
  if (journal.state.end) return static_cast<ExitCode>(journal.state.end->exit_code);
  const Failure reason = crash_failure(journal.state, crash);
  if (journal.state.on_failure == config::OnFailure::undo) {
    UndoRequest request{reason, {}, std::nullopt};
    for (const std::string& label : journal.state.interrupted())
      if (journal.state.find(label)->status == StepStatus::undo_started)
        request.except.insert(label);
    return backward(request);
  }
  Worker worker = reopened(journal);
  return static_cast<ExitCode>(supervise(
      [&] {
        return worker.run(journal.state, [&](RunState& state, const ExecutorContext& context) {
          fail_interrupted(state, context, reason);
          return end_run(state, context, Outcome::failed, ExitCode::failed, reason);
        });
      },
      [&](const CrashInfo&) { return to_int(give_up(journal, reason)); }));
}

ExitCode Session::backward(const UndoRequest& request) {
  const JournalText journal = read_journal(file_);
  Worker worker = reopened(journal);
  return static_cast<ExitCode>(supervise(
      [&] {
        return worker.run(journal.state, [&](RunState& state, const ExecutorContext& context) {
          fail_interrupted(state, context, request.reason);
          return undo(state, context, request);
        });
      },
      [&](const CrashInfo& crash) {
        const JournalText now = read_journal(file_);
        if (now.state.end) return now.state.end->exit_code;
        UndoRequest again = request;
        for (const StepState& step : now.state.steps)
          if (step.status == StepStatus::undo_started) again.except.insert(step.step.label);
        const Failure failure = crash_failure(now.state, crash);
        // Each new process has to leave out one step more, or this would never end.
        if (again.except.size() == request.except.size()) return to_int(give_up(now, failure));
        again.reason.what += "; undo: " + failure.what;
        return to_int(backward(again));
      }));
}

// Nothing more can be done from here: says so, and calls no step.
ExitCode Session::give_up(const JournalText& journal, const Failure& failure) {
  const auto reporter = environment_.make_reporter();
  RunState state = journal.state;
  const ExecutorContext context{
      environment_.caller, *reporter, environment_.redact, nullptr, nullptr, environment_.timings,
      environment_.strict, {}};
  return end_run(state, context, Outcome::undo_failed, ExitCode::undo_failed, failure).exit_code;
}

ExitCode run_read_only(const plan::Plan& plan, const Environment& environment) {
  const Scratch scratch;
  Worker worker(environment, std::make_unique<ScratchSink>(scratch));
  const Record start =
      run_start(plan, new_run_id(std::chrono::system_clock::now()), environment.stack,
                environment.version, ::getpid(), std::chrono::system_clock::now());
  worker.journal().append(start);
  std::optional<Failure> crashed;
  // Each round but the last loses at least one step to a crash.
  const RunState begun = parse_journal(scratch.text(), "scratch").state;
  for (std::size_t round = 0; round <= begun.steps.size(); ++round) {
    const RunState before = parse_journal(scratch.text(), "scratch").state;
    bool again = false;
    const int code = supervise(
        [&] {
          return worker.run(before, [&](RunState& state, const ExecutorContext& context) {
            if (crashed) fail_interrupted(state, context, *crashed);
            return execute(state, context);
          });
        },
        [&](const CrashInfo& crash) {
          const RunState now = parse_journal(scratch.text(), "scratch").state;
          if (now.end) return now.end->exit_code;
          crashed = crash_failure(now, crash);
          again = !now.interrupted().empty();
          if (again) return 0;
          throw Error(Errc::internal, crashed->what, crashed->hint);
        });
    if (!again) return static_cast<ExitCode>(code);
  }
  throw Error(Errc::internal, crashed->what, crashed->hint);
}

}  // namespace

ExitCode run_phase(const plan::Plan& plan, const Environment& environment) {
  if (!plan.changes) return run_read_only(plan, environment);
  const std::string id = new_run_id(std::chrono::system_clock::now());
  const StackLock lock =
      StackLock::acquire(environment.state_dir, fmt::format("{} (run {})", plan.phase, id));
  if (!environment.beside_open_run) refuse_open_run(environment.state_dir);
  prune_runs(environment.state_dir, environment.keep_runs);
  const fs::path file = journal_file(environment.state_dir, id);
  Worker worker(environment, create_journal_file(file));
  const Record start = run_start(plan, id, environment.stack, environment.version, ::getpid(),
                                 std::chrono::system_clock::now());
  worker.journal().append(start);
  RunState state;
  apply(state, start);
  return Session(environment, file).forward(std::move(state), worker);
}

ExitCode recover(RecoverMode mode, const Environment& environment) {
  const StackLock lock = StackLock::acquire(environment.state_dir, "recover");
  const auto open = find_open_run(environment.state_dir);
  if (!open)
    throw Error(Errc::not_found, "there is no interrupted run", "nothing is to be recovered");
  const RunState& before = open->state;
  if (mode == RecoverMode::resume && before.undo_begun)
    throw Error(Errc::conflict,
                fmt::format("run {} cannot be resumed: its undo has begun", before.id),
                "`fusebox recover --undo` goes on undoing it");
  const fs::path file = journal_file(environment.state_dir, before.id);
  Worker worker(environment, reopen_journal_file(file, open->valid_bytes));
  const Record resumed{RecordType::run_resumed,
                       std::chrono::system_clock::now(),
                       {{"pid", ::getpid()},
                        {"version", environment.version},
                        {"mode", mode == RecoverMode::undo     ? "undo"
                                 : mode == RecoverMode::resume ? "resume"
                                                               : "forget"}}};
  worker.journal().append(resumed);
  RunState state = before;
  apply(state, resumed);
  Session session(environment, file);
  switch (mode) {
    case RecoverMode::resume:
      return session.forward(std::move(state), worker);
    case RecoverMode::undo: {
      const auto in = state.interrupted();
      return session.backward(
          {{Errc::internal,
            fmt::format("run {} of phase {} was interrupted{}{}", state.id, state.phase,
                        in.empty() ? "" : " in step ", fmt::join(in, ", ")),
            {}},
           {},
           ExitCode::ok});
    }
    case RecoverMode::forget: {
      const auto reporter = environment.make_reporter();
      return end_run(state,
                     {environment.caller,
                      *reporter,
                      environment.redact,
                      &worker.journal(),
                      nullptr,
                      environment.timings,
                      environment.strict,
                      {}},
                     Outcome::forgotten, ExitCode::ok, std::nullopt)
          .exit_code;
    }
  }
  return ExitCode::failed;
}

}  // namespace fusebox::run
