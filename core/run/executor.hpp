// SPDX-License-Identifier: Apache-2.0
// Runs a plan's steps, and undoes them.
#pragma once

#include "plan/plan.hpp"
#include "plan/step_caller.hpp"
#include "report/event.hpp"
#include "run/exit_code.hpp"
#include "run/journal.hpp"
#include "run/state.hpp"
#include "util/cancel.hpp"

#include <boost/json/object.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace fusebox::run {

struct Timings {
  std::chrono::milliseconds default_timeout{600'000};  // of a step whose plan gives none
  std::chrono::milliseconds grace{5'000};  // after cancel or deadline, before a step is left behind
  std::chrono::milliseconds backoff_first{500};  // doubles with each retry, plus or minus a quarter
  std::chrono::milliseconds backoff_most{30'000};
};

// What the operator asked for while it runs.
struct Signals {
  util::CancelToken cancel;  // end the running steps, then undo
  util::CancelToken leave;   // stop waiting at once
};

// All references outlive the executor, and the process's last step when one was left behind.
struct ExecutorContext {
  plan::StepCaller& caller;
  report::Reporter& reporter;
  Redact redact;               // for events
  Journal* journal = nullptr;  // nullptr: a read-only phase
  Signals* signals = nullptr;  // nullptr: cannot be interrupted
  Timings timings;
  bool strict = false;  // degraded counts as unhealthy
  // Puts what a run with effects left on record, when its steps say so. May throw Error.
  std::function<void(const RunState&, const boost::json::object& release)> record_release{};
};

struct RunResult {
  ExitCode exit_code = ExitCode::ok;
  std::optional<Outcome> outcome;       // nothing: the run is still open
  std::optional<Failure> error;         // the first thing that went wrong
  std::vector<std::string> not_undone;  // labels
  // A step was left behind on its thread. End this process with _exit, never by returning from
  // main; and when `outcome` is nothing, undo the run from its journal in another process, because
  // a step that hangs may hold what its plugin's undo needs.
  bool abandoned = false;
  // The operator stopped waiting: the run stays open until `fusebox recover`.
  bool left = false;
};

// Runs `plan` as run `id`. Never throws for what a step does; throws when the journal cannot be
// begun. `state` is where the run stands: fresh from make_state(), or read from a journal; then
// what is done is not done again.
RunResult execute(RunState& state, const ExecutorContext& context);

struct UndoRequest {
  Failure reason;                       // code `cancelled`: the operator's wish
  std::set<std::string> except;         // labels whose undo is not to be tried now
  std::optional<ExitCode> when_undone;  // else `failed`, or `interrupted` by the operator's wish
};

// Undoes all that `state` says is to be undone, last group first, and ends the run; one of which
// something is left stays open.
RunResult undo(RunState& state, const ExecutorContext& context, const UndoRequest& request);

// Notes that the process died within the steps that are under way: they failed for `reason`.
void fail_interrupted(RunState& state, const ExecutorContext& context, const Failure& reason);

// Ends a run as it stands.
RunResult end_run(RunState& state, const ExecutorContext& context, Outcome outcome, ExitCode code,
                  const std::optional<Failure>& error);

// The state of a run that has not begun.
RunState make_state(const plan::Plan& plan, const std::string& id, const std::string& stack,
                    const std::string& version);

}  // namespace fusebox::run
