// SPDX-License-Identifier: Apache-2.0
#include "plan/dry_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <thread>

#include "plan/task.hpp"
#include "util/clock.hpp"
#include "util/error.hpp"

namespace fusebox::plan {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

// What a plan() call shares with us, also when it is left behind.
struct Question {
  Question(StepCaller& step_caller, std::string step_instance, boost::json::object step_request,
           std::shared_ptr<std::mutex> common_gate)
      : caller(step_caller),
        instance(std::move(step_instance)),
        request(std::move(step_request)),
        gate(std::move(common_gate)) {}

  StepCaller& caller;
  std::string instance;
  boost::json::object request;
  plugin::CallContext context;
  std::shared_ptr<std::mutex> gate;  // one for all, so that lines come one at a time
  util::CancelToken token;
  bool open = true;
};

struct Asked {
  StepReport report;
  std::shared_ptr<Question> question;
  Task task;
};

Asked ask(const Plan& plan, const Step& step, StepCaller& caller, const DryRunOptions& options,
          Clock::time_point deadline, const std::shared_ptr<std::mutex>& gate) {
  auto question = std::make_shared<Question>(
      caller, step.instance, step_request(step, plan.phase, "", plan.secrets), gate);
  question->context.label = step.label;
  question->context.deadline = deadline;
  question->context.cancel = &question->token;
  question->context.progress = [](const plugin::Progress&) {};
  question->context.log = [raw = question.get(), &options, label = step.label](
                              plugin::LogLevel level, std::string_view line) {
    const std::lock_guard lock(*raw->gate);
    if (raw->open && options.log) options.log(label, level, line);
  };
  StepReport report;
  report.label = step.label;
  return {std::move(report), question, Task([question] {
            return question->caller.plan(question->instance, question->request, question->context);
          })};
}

// Waits for the answer, a little at a time so that cancel is seen; false when it never came.
bool wait_for(const Asked& asked, Clock::time_point deadline, const DryRunOptions& options) {
  auto give_up = deadline + options.grace;
  while (!asked.task.wait_until(std::min(give_up, Clock::now() + 20ms))) {
    const auto now = Clock::now();
    const bool is_cancelled = options.cancel != nullptr && options.cancel->cancelled();
    if ((is_cancelled || now >= deadline) && !asked.question->token.cancelled()) {
      asked.question->token.cancel();
      give_up = std::min(give_up, now + options.grace);
    }
    if (now >= give_up) return false;
  }
  return true;
}

void take(Asked& asked) {
  try {
    asked.report.answer = asked.task.take();
  } catch (const Error& error) {
    asked.report.error = error.what();
    asked.report.hint = error.hint();
  } catch (const std::exception& error) {
    asked.report.error = error.what();
  }
}

}  // namespace

PlanReport dry_run(const Plan& plan, StepCaller& caller, const DryRunOptions& options) {
  caller.needed_secrets(plan.secrets);
  const auto deadline = Clock::now() + options.timeout;
  const auto gate = std::make_shared<std::mutex>();
  std::vector<Asked> all;
  for (const auto& group : plan.groups)
    for (const Step& step : group)
      if (!step.skipped) all.push_back(ask(plan, step, caller, options, deadline, gate));
  PlanReport report;
  for (Asked& asked : all) {
    if (wait_for(asked, deadline, options)) {
      take(asked);
    } else {
      const std::lock_guard lock(*gate);
      asked.question->open = false;
      report.abandoned = true;
      asked.report.error = fmt::format(
          "{} (instance \"{}\") did not say what it would do within {}", asked.report.label,
          asked.question->instance, util::human_duration(options.timeout));
      asked.report.hint = "a plugin that ignores its deadline has a bug: report it to its author";
    }
    report.steps.push_back(std::move(asked.report));
  }
  return report;
}

}  // namespace fusebox::plan
