// SPDX-License-Identifier: Apache-2.0
// What each step of a plan says it would do.
#pragma once

#include "plan/plan.hpp"
#include "plan/step_caller.hpp"

#include <boost/json/object.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace fusebox::plan {

// One step's answer to plan(); see fusebox/step.h for `answer`.
struct StepReport {
  std::string label;
  boost::json::object answer;
  std::optional<std::string> error;  // it could not say: why
  std::string hint;
};

struct PlanReport {
  std::vector<StepReport> steps;  // in the plan's order, without skipped ones
  bool abandoned = false;         // a step did not come back: end the process with _exit
};

struct DryRunOptions {
  std::chrono::milliseconds timeout{30'000};  // for each step
  std::chrono::milliseconds grace{2'000};     // after its deadline, before it is left behind
  const util::CancelToken* cancel = nullptr;
  std::function<void(const std::string& label, plugin::LogLevel, std::string_view)> log;
};

// Asks all steps at once, since plan() has no effect. A step that fails to answer is part of the
// report, never an exception. `caller` outlives the process's last step (see `abandoned`).
PlanReport dry_run(const Plan& plan, StepCaller& caller, const DryRunOptions& options = {});

}  // namespace fusebox::plan
