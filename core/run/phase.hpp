// SPDX-License-Identifier: Apache-2.0
// A phase from lock to exit code: what the command line calls.
#pragma once

#include "plan/plan.hpp"
#include "plan/step_caller.hpp"
#include "report/event.hpp"
#include "run/executor.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace fusebox::run {

// What a run needs of the rest of fusebox.
struct Environment {
  std::string stack;
  std::filesystem::path state_dir;
  std::string version;
  plan::StepCaller& caller;  // must not have started a thread yet
  Redact redact;
  // Called in the process that does the work, so that what it makes may start threads. A second one
  // is made when the first process died and another cleans up after it.
  std::function<std::unique_ptr<report::Reporter>()> make_reporter;
  Timings timings;
  bool strict = false;
  bool beside_open_run = false;  // what starts now is what the recovery of another run needs
  std::size_t keep_runs = 100;
};

// Runs `plan` to its end and returns the exit code. Call it before any thread is started.
//
// The steps run in a child process: a plugin that crashes is reported with the step that it was in.
// A read-only phase then goes on with its other steps. A phase with effects takes the stack's lock
// (Error{conflict} when it is held), refuses while an interrupted run is open (Error{conflict}),
// unless told to run beside it, and keeps a journal; when the child dies or a step hangs, another
// child undoes the run from the journal.
ExitCode run_phase(const plan::Plan& plan, const Environment& environment);

enum class RecoverMode {
  undo,    // takes back what the run did
  resume,  // goes on at the interrupted step
  forget   // closes the run as it stands; for one whose undo keeps failing
};

// Deals with the stack's open run. Safe to be killed and called again. Throws Error{not_found} when
// no run is open, Error{conflict} when the stack is locked or a run whose undo has begun is to be
// resumed. Undone completely: ok. Else as run_phase.
ExitCode recover(RecoverMode mode, const Environment& environment);

}  // namespace fusebox::run
