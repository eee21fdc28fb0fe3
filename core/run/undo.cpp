// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>

#include "run/execution.hpp"

namespace fusebox::run {

namespace json = boost::json;
using report::EventType;

namespace {

bool is_refused(const StepState& step) {
  return step.undo_error && step.undo_error->code == Errc::refused;
}

// The steps of a run, backward, one at a time.
class Backward : public Execution {
 public:
  using Execution::Execution;
  RunResult run(const UndoRequest& request);

 private:
  void undo_step(StepState& step);
  Failure what_is_left(const Failure& reason, const std::vector<std::string>& remaining) const;
  FlightResult fly(const StepState& step);
  json::object request_of(const StepState& step) const;
};

RunResult Backward::run(const UndoRequest& request) {
  context_.caller.needed_secrets(state_.secrets);
  for (auto step = state_.steps.rbegin(); step != state_.steps.rend() && !left_; ++step)
    if (step->needs_undo() && !request.except.contains(step->step.label)) {
      undo_step(*step);
      // What came before it is what it stands on: that stays as well.
      if (is_refused(*step)) break;
    }
  if (left_) return leave_open();
  const auto remaining = state_.not_undone();
  if (remaining.empty()) {
    const bool is_wish = request.reason.code == Errc::cancelled;
    return close(is_wish ? Outcome::cancelled : Outcome::undone,
                 request.when_undone.value_or(is_wish ? ExitCode::interrupted : ExitCode::failed),
                 request.reason);
  }
  return close(Outcome::undo_failed, ExitCode::undo_failed,
               what_is_left(request.reason, remaining));
}

Failure Backward::what_is_left(const Failure& reason,
                               const std::vector<std::string>& remaining) const {
  Failure failure = reason;
  failure.hint =
      "mend the cause and run `fusebox recover --undo`; once mended by hand, "
      "`fusebox recover --forget`";
  const auto refused = std::find_if(state_.steps.begin(), state_.steps.end(), is_refused);
  failure.what += refused == state_.steps.end()
                      ? fmt::format("; not undone: {}", fmt::join(remaining, ", "))
                      : fmt::format("; undo stopped at {}, and {} stay as they are",
                                    refused->step.label, fmt::join(remaining, ", "));
  for (const std::string& label : remaining)
    if (const auto& error = state_.find(label)->undo_error)
      failure.what += fmt::format("; undo of {}: {}", label, error->what);
  if (refused != state_.steps.end() && !refused->undo_error->hint.empty())
    failure.hint = refused->undo_error->hint + "; then `fusebox recover --forget` closes the run";
  return failure;
}

void Backward::undo_step(StepState& step) {
  const std::string& label = step.step.label;
  // A journal that cannot be written must not keep the stack from being brought back; undo may be
  // called again, so a record that is missing does no harm.
  commit(RecordType::undo_start, {{"step", label}}, OnJournalError::keep_record);
  emitter_.emit(EventType::undo_started, {{"step", label}});
  const FlightResult flown = fly(step);
  if (flown.abandoned) abandoned_ = true;
  json::object event{{"step", label}, {"duration_ms", flown.duration.count()}};
  if (!flown.failure) {
    commit(RecordType::undo_done, {{"step", label}}, OnJournalError::keep_record);
    event["outcome"] = "ok";
  } else {
    event["outcome"] = "failed";
    event["error"] = to_json(*flown.failure);
    if (!left_)
      commit(RecordType::undo_failed, {{"step", label}, {"error", to_json(*flown.failure)}},
             OnJournalError::keep_record);
  }
  emitter_.emit(EventType::undo_finished, std::move(event));
}

FlightResult Backward::fly(const StepState& step) {
  FlightPlan plan{FlightPlan::Call::undo, step.step.label,   step.step.instance,
                  request_of(step),       step.step.timeout, step.step.retries};
  Flight flight(context_.caller, std::move(plan), events_of(step.step.label), context_.timings,
                waker_);
  while (!flight.done() && flight.tick(Clock::now())) {
    waker_->wait(context_.signals, false, flight.due());
    if (!leaving() || flight.done()) continue;
    left_ = true;
    flight.leave();
    break;
  }
  return flight.take();
}

json::object Backward::request_of(const StepState& step) const {
  json::object request = plan::step_request(step.step, state_.phase, state_.id, state_.secrets);
  request["result"] = step.result;
  request["checkpoints"] = json::array(step.checkpoints.begin(), step.checkpoints.end());
  return request;
}

}  // namespace

RunResult undo(RunState& state, const ExecutorContext& context, const UndoRequest& request) {
  return Backward(state, context).run(request);
}

}  // namespace fusebox::run
