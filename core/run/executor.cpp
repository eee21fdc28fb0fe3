// SPDX-License-Identifier: Apache-2.0
#include "run/executor.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <set>

#include "run/execution.hpp"
#include "run/release.hpp"
#include "run/verdict.hpp"
#include "util/clock.hpp"

namespace fusebox::run {

namespace json = boost::json;
using report::EventType;

// ---- What execute() and undo() share ----

Execution::Execution(RunState& state, const ExecutorContext& context)
    : state_(state),
      context_(context),
      emitter_(context.reporter, context.redact),
      waker_(std::make_shared<Waker>()) {}

std::optional<Failure> Execution::commit(RecordType type, json::object data, OnJournalError then) {
  const Record record{type, std::chrono::system_clock::now(), std::move(data)};
  std::optional<Failure> failure;
  const std::lock_guard lock(mutex_);
  try {
    if (context_.journal != nullptr) context_.journal->append(record);
  } catch (const Error& error) {
    failure = Failure{error.code(), fmt::format("cannot write the journal: {}", error.what()),
                      error.hint()};
    if (then == OnJournalError::forget_record) return failure;
  }
  apply(state_, record);
  return failure;
}

FlightEvents Execution::events_of(const std::string& label) {
  FlightEvents events;
  events.log = [this, label](plugin::LogLevel level, std::string_view line) {
    static constexpr std::string_view names[] = {"debug", "info", "warn", "error"};
    emitter_.emit(EventType::step_log,
                  {{"step", label}, {"level", names[static_cast<int>(level)]}, {"line", line}});
  };
  events.progress = [this, label](const plugin::Progress& progress) {
    emitter_.emit(EventType::step_progress, {{"step", label},
                                             {"done", progress.done},
                                             {"total", progress.total},
                                             {"unit", progress.unit},
                                             {"what", progress.what}});
  };
  events.retrying = [this, label](int attempt, std::chrono::milliseconds pause,
                                  const Failure& failure) {
    emitter_.emit(EventType::step_retrying, {{"step", label},
                                             {"attempt", attempt},
                                             {"in_ms", pause.count()},
                                             {"error", to_json(failure)}});
  };
  return events;
}

bool Execution::leaving() const {
  return context_.signals != nullptr && context_.signals->leave.cancelled();
}

RunResult Execution::close(Outcome outcome, ExitCode code, std::optional<Failure> error) {
  RunResult result;
  result.exit_code = code;
  result.outcome = outcome;
  result.not_undone = state_.not_undone();
  result.abandoned = abandoned_;
  // A run whose undo failed stays open, so that `recover` can try again.
  if (outcome != Outcome::undo_failed) {
    const auto failure =
        commit(RecordType::run_end, {{"outcome", to_string(outcome)}, {"exit_code", to_int(code)}},
               OnJournalError::forget_record);
    if (failure && !error) error = failure;
    if (failure && code == ExitCode::ok) result.exit_code = ExitCode::failed;
  }
  result.error = std::move(error);
  announce_end(to_string(outcome), result);
  return result;
}

void Execution::announce_end(std::string_view outcome, const RunResult& result) {
  json::object data{{"run", state_.id},
                    {"phase", state_.phase},
                    {"outcome", outcome},
                    {"exit_code", to_int(result.exit_code)},
                    {"duration_ms", std::max<std::int64_t>(
                                        0, std::chrono::duration_cast<std::chrono::milliseconds>(
                                               std::chrono::system_clock::now() - state_.started)
                                               .count())}};
  if (result.error) data["error"] = to_json(*result.error);
  if (result.outcome == Outcome::undo_failed)
    data["not_undone"] = json::array(result.not_undone.begin(), result.not_undone.end());
  emitter_.emit(EventType::run_finished, std::move(data));
}

RunResult Execution::leave_open() {
  RunResult result;
  result.exit_code = ExitCode::interrupted;
  result.left = true;
  result.abandoned = abandoned_;
  result.not_undone = state_.not_undone();
  result.error =
      Failure{Errc::cancelled,
              fmt::format("run {} of phase {} was left as it stands", state_.id, state_.phase),
              state_.changes ? "`fusebox recover` undoes or resumes it" : ""};
  announce_end("cancelled", result);
  return result;
}

// ---- Forward ----

namespace {

constexpr std::chrono::seconds kPrepareLimit{30};

std::string_view outcome_word(Errc code) {
  switch (code) {
    case Errc::skipped:
      return "skipped";
    case Errc::timeout:
      return "timeout";
    case Errc::cancelled:
      return "cancelled";
    default:
      return "failed";
  }
}

// The steps of a phase, forward.
class Forward : public Execution {
 public:
  using Execution::Execution;
  RunResult run();

 private:
  struct Air {
    StepState* step;
    Flight flight;
  };

  bool read_only() const { return !state_.changes; }
  bool fail_fast() const {
    return !read_only() && state_.on_failure != config::OnFailure::keep_going;
  }

  // A step that need not run again; a read-only phase does not repeat what failed either.
  bool is_over(const StepState& step) const {
    return step.status == StepStatus::done || (read_only() && step.status == StepStatus::failed);
  }

  void announce_start();
  void recall();
  void prepare();
  void prepare(const StepState& step);
  void note_verdict(Verdict verdict);
  void run_group(std::size_t group);
  void launch(StepState& step, std::vector<Air>& air);
  void skip(StepState& step);
  void wait_for(std::vector<Air>& air);
  void settle(Air& air);
  void settle_result(Air& air, const FlightResult& flown);
  void settle_failure(StepState& step, const Failure& failure, const FlightResult& flown);
  void note_failure(const StepState& step, const Failure& failure);
  void watch_operator(std::vector<Air>& air);
  RunResult verdict();
  RunResult failed_with_effects();
  std::optional<Failure> keep_release();
  RunResult read_only_verdict();

  std::optional<Failure> failure_;  // the first
  bool failed_ = false;
  bool cancelled_ = false;  // the operator stopped it before it was through
  bool unhealthy_ = false;
  bool findings_ = false;
  bool soft_skip_ = false;
};

RunResult Forward::run() {
  announce_start();
  recall();
  context_.caller.needed_secrets(state_.secrets);
  if (fail_fast()) prepare();
  const std::size_t groups = state_.steps.empty() ? 0 : state_.steps.back().group + 1;
  for (std::size_t group = 0; group < groups; ++group) {
    if (context_.signals != nullptr && context_.signals->cancel.cancelled()) cancelled_ = true;
    if (cancelled_ || left_ || (failed_ && fail_fast())) break;
    run_group(group);
  }
  return verdict();
}

// What steps have said before the run was resumed.
void Forward::recall() {
  for (const StepState& step : state_.steps) {
    if (step.status == StepStatus::done && step.result.is_object())
      note_verdict(judge(step.result.get_object(), context_.strict));
    if (step.status == StepStatus::skipped && !step.step.skipped) soft_skip_ = true;
    if (step.status == StepStatus::failed && read_only()) note_failure(step, *step.error);
  }
}

// A plugin that cannot be loaded stops a phase before its first effect.
void Forward::prepare() {
  std::set<std::string_view> seen;
  for (const StepState& step : state_.steps) {
    if (failed_ || cancelled_ || left_) return;
    if (step.step.skipped || is_over(step) || !seen.insert(step.step.instance).second) continue;
    prepare(step);
  }
}

void Forward::prepare(const StepState& step) {
  Flight flight(
      context_.caller,
      {FlightPlan::Call::prepare, step.step.label, step.step.instance, {}, kPrepareLimit, 0},
      events_of(step.step.label), context_.timings, waker_);
  while (!flight.done() && flight.tick(Clock::now())) {
    waker_->wait(context_.signals, !cancelled_, flight.due());
    if (context_.signals == nullptr) continue;
    if (context_.signals->cancel.cancelled()) {
      cancelled_ = true;
      flight.stop(Stop::operator_wish);
    }
    if (leaving()) flight.leave();
  }
  const FlightResult flown = flight.take();
  abandoned_ = abandoned_ || flown.abandoned;
  left_ = left_ || (flown.abandoned && leaving());
  if (flown.failure) note_failure(step, *flown.failure);
}

void Forward::note_verdict(Verdict verdict) {
  unhealthy_ = unhealthy_ || verdict == Verdict::unhealthy;
  findings_ = findings_ || verdict == Verdict::findings;
}

void Forward::announce_start() {
  json::array groups;
  for (const StepState& step : state_.steps) {
    if (groups.size() <= step.group) groups.emplace_back(json::array());
    groups[step.group].as_array().emplace_back(step.step.label);
  }
  emitter_.emit(EventType::run_started, {{"run", state_.id},
                                         {"phase", state_.phase},
                                         {"stack", state_.stack},
                                         {"steps", std::move(groups)}});
}

void Forward::run_group(std::size_t group) {
  std::vector<Air> air;
  air.reserve(state_.steps.size());
  for (StepState& step : state_.steps) {
    if (step.group != group || is_over(step)) continue;
    if (step.step.skipped || step.status == StepStatus::skipped)
      skip(step);
    else if (!(failed_ && fail_fast()))
      launch(step, air);
  }
  wait_for(air);
}

void Forward::skip(StepState& step) {
  const Failure why{Errc::skipped, "left out by --skip or --only", {}};
  if (step.status == StepStatus::pending)
    commit(RecordType::step_skipped, {{"step", step.step.label}, {"error", to_json(why)}},
           OnJournalError::keep_record);
  emitter_.emit(EventType::step_finished, {{"step", step.step.label},
                                           {"outcome", "skipped"},
                                           {"duration_ms", 0},
                                           {"error", to_json(step.error.value_or(why))}});
}

void Forward::launch(StepState& step, std::vector<Air>& air) {
  const std::string& label = step.step.label;
  if (const auto failure =
          commit(RecordType::step_start, {{"step", label}}, OnJournalError::forget_record)) {
    note_failure(step, *failure);
    return;
  }
  const auto index = static_cast<std::size_t>(&step - state_.steps.data());
  emitter_.emit(EventType::step_started,
                {{"step", label}, {"index", index}, {"group", step.group}});
  FlightEvents events = events_of(label);
  if (!read_only())
    events.checkpoint = [this, label](const json::object& data) {
      if (const auto failure = commit(RecordType::checkpoint, {{"step", label}, {"data", data}},
                                      OnJournalError::forget_record))
        throw Error(failure->code, failure->what, failure->hint);
    };
  FlightPlan plan{
      FlightPlan::Call::run, label,
      step.step.instance,    plan::step_request(step.step, state_.phase, state_.id, state_.secrets),
      step.step.timeout,     step.step.retries};
  air.push_back({&step, Flight(context_.caller, std::move(plan), std::move(events),
                               context_.timings, waker_)});
}

void Forward::wait_for(std::vector<Air>& air) {
  while (!air.empty()) {
    auto next = Clock::now() + std::chrono::minutes(1);
    for (const Air& one : air) next = std::min(next, one.flight.due());
    const bool any_done =
        std::any_of(air.begin(), air.end(), [](const Air& one) { return one.flight.done(); });
    if (!any_done) waker_->wait(context_.signals, !cancelled_, next);
    watch_operator(air);
    const auto now = Clock::now();
    std::vector<Air> still;
    still.reserve(air.capacity());
    for (Air& one : air) {
      if (one.flight.left() || one.flight.done() || !one.flight.tick(now))
        settle(one);
      else
        still.push_back(std::move(one));
    }
    air = std::move(still);
    if (failed_ && fail_fast())
      for (Air& one : air) one.flight.stop(Stop::other_failure);
  }
}

void Forward::watch_operator(std::vector<Air>& air) {
  if (context_.signals == nullptr) return;
  if (context_.signals->cancel.cancelled() && !cancelled_) {
    cancelled_ = true;
    for (Air& one : air) one.flight.stop(Stop::operator_wish);
  }
  if (!leaving()) return;
  left_ = true;
  for (Air& one : air)
    if (!one.flight.done()) one.flight.leave();
}

void Forward::settle(Air& air) {
  const FlightResult flown = air.flight.take();
  if (flown.abandoned) abandoned_ = true;
  // The operator stopped waiting: for `recover` this step is interrupted, not failed.
  if (flown.abandoned && left_) {
    emitter_.emit(EventType::step_finished, {{"step", air.step->step.label},
                                             {"outcome", "cancelled"},
                                             {"duration_ms", flown.duration.count()},
                                             {"error", to_json(*flown.failure)}});
    return;
  }
  if (flown.failure)
    settle_failure(*air.step, *flown.failure, flown);
  else
    settle_result(air, flown);
}

void Forward::settle_result(Air& air, const FlightResult& flown) {
  StepState& step = *air.step;
  const Verdict verdict = judge(*flown.result, context_.strict);
  note_verdict(verdict);
  if (!read_only() && verdict != Verdict::fine) {
    settle_failure(step, failure_of(*flown.result, verdict), flown);
    return;
  }
  const auto failure = commit(RecordType::step_done,
                              {{"step", step.step.label},
                               {"duration_ms", flown.duration.count()},
                               {"result", *flown.result}},
                              OnJournalError::keep_record);
  emitter_.emit(EventType::step_finished, {{"step", step.step.label},
                                           {"outcome", "ok"},
                                           {"duration_ms", flown.duration.count()},
                                           {"result", *flown.result}});
  if (failure) note_failure(step, *failure);
}

void Forward::settle_failure(StepState& step, const Failure& failure, const FlightResult& flown) {
  json::object event{{"step", step.step.label},
                     {"duration_ms", flown.duration.count()},
                     {"error", to_json(failure)}};
  if (flown.result) event["result"] = *flown.result;
  const bool is_soft = failure.code == Errc::skipped;
  json::object record = event;
  if (is_soft) record.erase("duration_ms");
  commit(is_soft ? RecordType::step_skipped : RecordType::step_failed, std::move(record),
         OnJournalError::keep_record);
  event["outcome"] = outcome_word(failure.code);
  emitter_.emit(EventType::step_finished, std::move(event));
  if (is_soft)
    soft_skip_ = true;
  else
    note_failure(step, failure);
}

void Forward::note_failure(const StepState& step, const Failure& failure) {
  failed_ = true;
  if (read_only() && failure.code == Errc::failed) unhealthy_ = true;
  if (failure_) return;
  failure_ = failure;
  if (failure_->what.rfind(step.step.label, 0) != 0)
    failure_->what = step.step.label + ": " + failure_->what;
}

RunResult Forward::verdict() {
  if (left_) return leave_open();
  if (cancelled_) {
    const bool is_through =
        !failed_ && std::all_of(state_.steps.begin(), state_.steps.end(), [](const StepState& s) {
          return s.status == StepStatus::done || s.status == StepStatus::skipped;
        });
    cancelled_ = !is_through;
  }
  if (read_only()) return read_only_verdict();
  if (failed_ || cancelled_) return failed_with_effects();
  // The stack is up and well: that it could not be noted is no reason to take it down again.
  if (const auto failure = keep_release()) return close(Outcome::failed, ExitCode::failed, failure);
  if (soft_skip_) return close(Outcome::skipped, ExitCode::skipped, std::nullopt);
  return close(Outcome::ok, ExitCode::ok, std::nullopt);
}

std::optional<Failure> Forward::keep_release() {
  if (!context_.record_release) return std::nullopt;
  const json::object release = merged_release(state_);
  if (release.empty()) return std::nullopt;
  try {
    const json::value clean = context_.redact ? redacted(release, context_.redact) : release;
    context_.record_release(state_, clean.get_object());
    return std::nullopt;
  } catch (const Error& error) {
    return Failure{
        error.code(),
        fmt::format("all steps went well, but the release could not be recorded: {}", error.what()),
        error.hint()};
  }
}

RunResult Forward::failed_with_effects() {
  if (cancelled_) failure_ = Failure{Errc::cancelled, "interrupted by the operator", {}};
  if (state_.on_failure != config::OnFailure::undo)
    return close(cancelled_ ? Outcome::cancelled : Outcome::failed,
                 cancelled_ ? ExitCode::interrupted : ExitCode::failed, failure_);
  if (!abandoned_) return undo(state_, context_, {*failure_, {}, std::nullopt});
  RunResult result;
  result.exit_code = cancelled_ ? ExitCode::interrupted : ExitCode::failed;
  result.error = failure_;
  result.abandoned = true;
  result.not_undone = state_.not_undone();
  return result;
}

RunResult Forward::read_only_verdict() {
  if (cancelled_)
    return close(Outcome::cancelled, ExitCode::interrupted,
                 Failure{Errc::cancelled, "interrupted by the operator", {}});
  if (unhealthy_) return close(Outcome::unhealthy, ExitCode::unhealthy, failure_);
  if (failed_) return close(Outcome::failed, ExitCode::failed, failure_);
  if (findings_) return close(Outcome::findings, ExitCode::findings, std::nullopt);
  if (soft_skip_) return close(Outcome::skipped, ExitCode::skipped, std::nullopt);
  return close(Outcome::ok, ExitCode::ok, std::nullopt);
}

// What is left to say of a run whose process is gone.
class Aftermath : public Execution {
 public:
  using Execution::Execution;
  void fail_interrupted(const Failure& reason);
  RunResult end(Outcome outcome, ExitCode code, const std::optional<Failure>& error) {
    return close(outcome, code, error);
  }
};

void Aftermath::fail_interrupted(const Failure& reason) {
  for (StepState& step : state_.steps) {
    json::object data{{"step", step.step.label}, {"error", to_json(reason)}};
    if (step.status == StepStatus::undo_started) {
      commit(RecordType::undo_failed, data, OnJournalError::keep_record);
      data["outcome"] = "failed";
      emitter_.emit(EventType::undo_finished, std::move(data));
    } else if (step.status == StepStatus::started) {
      data["duration_ms"] = 0;
      commit(RecordType::step_failed, data, OnJournalError::keep_record);
      data["outcome"] = "failed";
      emitter_.emit(EventType::step_finished, std::move(data));
    }
  }
}

}  // namespace

RunResult execute(RunState& state, const ExecutorContext& context) {
  return Forward(state, context).run();
}

void fail_interrupted(RunState& state, const ExecutorContext& context, const Failure& reason) {
  Aftermath(state, context).fail_interrupted(reason);
}

RunResult end_run(RunState& state, const ExecutorContext& context, Outcome outcome, ExitCode code,
                  const std::optional<Failure>& error) {
  return Aftermath(state, context).end(outcome, code, error);
}

RunState make_state(const plan::Plan& plan, const std::string& id, const std::string& stack,
                    const std::string& version) {
  RunState state;
  apply(state, run_start(plan, id, stack, version, ::getpid(), std::chrono::system_clock::now()));
  return state;
}

}  // namespace fusebox::run
