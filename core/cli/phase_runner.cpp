// SPDX-License-Identifier: Apache-2.0
#include "cli/phase_runner.hpp"

#include "cli/context.hpp"
#include "cli/watch.hpp"
#include "config/config_error.hpp"
#include "plan/dry_run.hpp"
#include "plan/outline.hpp"
#include "plan/plan.hpp"
#include "plan/render.hpp"
#include "plan/step_caller.hpp"
#include "plugin/host.hpp"
#include "run/lock.hpp"
#include "run/phase.hpp"
#include "run/release.hpp"
#include "secrets/redactor.hpp"
#include "util/error.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <thread>

namespace fusebox::cli {

namespace {

plan::Plan make_plan(Context& context, const std::string& name) {
  context.ensure_phase(name);
  return plan::make_plan(context.config(), context.host(), name, context.selection());
}

// A refused plan is still shown as far as it is known, before the reasons.
plan::Plan plan_or_outline(Context& context, const std::string& name, plan::Format format) {
  try {
    return make_plan(context, name);
  } catch (const config::ConfigError&) {
    if (format != plan::Format::json && context.config().phase(name) != nullptr) {
      const auto known = plan::outline(context.config(), context.catalog(), name);
      context.out().write(plan::render(known.plan, format, &known.report));
      context.out().flush();
    }
    throw;
  }
}

// Without anything begun, so that Ctrl-C just ends it.
void wait_for_stack(Context& context) {
  const auto& state = context.config().state_dir;
  bool told = false;
  while (const auto holder = run::lock_holder(state)) {
    if (!told) context.out().note(fmt::format("waiting for {} to end", holder->what));
    told = true;
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

}  // namespace

int print_plan(Context& context, const std::string& name, const std::string& format_name) {
  const auto format = plan::parse_format(format_name);
  if (!format) {
    throw Error(Errc::argument, fmt::format("unknown format \"{}\"", format_name),
                "use text, json or mermaid");
  }
  const auto plan = plan_or_outline(context, name, *format);
  plan::HostCaller caller(context.host(), run::last_release(context.config().state_dir));
  plan::DryRunOptions options;
  options.cancel = &context.watch().token();
  if (context.out().is_verbose()) {
    options.log = [&](const std::string& label, plugin::LogLevel, std::string_view text) {
      context.out().note(fmt::format("{}: {}", label, text));
    };
  }
  const auto report = plan::dry_run(plan, caller, options);
  context.out().write(plan::render(plan, *format, &report));
  if (report.abandoned) {
    context.out().flush();
    std::_Exit(run::to_int(run::ExitCode::failed));
  }
  if (context.watch().token().cancelled()) throw Error(Errc::cancelled, "interrupted");
  return run::to_int(run::ExitCode::ok);
}

void edit_phase(Context& context, const std::string& name,
                const std::function<void(config::StepConfig&)>& edit) {
  context.ensure_phase(name);
  const auto* found = context.config().phase(name);
  if (found == nullptr) return;
  config::PhaseConfig phase = *found;
  for (auto& group : phase.groups) {
    for (auto& step : group) edit(step);
  }
  context.replace_phase(std::move(phase));
}

int give_option(Context& context, const std::string& phase, const std::string& option,
                const config::Value& value) {
  int given = 0;
  edit_phase(context, phase, [&](config::StepConfig& step) {
    const auto* instance = context.host().find(step.instance);
    if (instance == nullptr) return;
    const auto& verbs = instance->plugin->manifest.verbs;
    const auto verb = verbs.find(step.verb);
    if (verb == verbs.end() || verb->second.options.count(option) == 0) return;
    if (step.with.get_if<config::Table>() == nullptr) step.with.data = config::Table{};
    step.with.get_if<config::Table>()->set(option, value);
    ++given;
  });
  return given;
}

int with_environment(Context& context, const std::function<int(const run::Environment&)>& body) {
  plan::HostCaller caller(context.host(), run::last_release(context.config().state_dir));
  const auto& redactor = context.redactor();
  const run::Environment environment{
      .stack = context.config().stack,
      .state_dir = context.config().state_dir,
      .version = FUSEBOX_VERSION,
      .caller = caller,
      .redact = [&](std::string_view text) { return redactor.redact(text); },
      .make_reporter = [&] { return context.make_reporter(); },
      .timings = {},
  };
  context.out().flush();
  return body(environment);
}

int execute_phase(Context& context, const std::string& name) {
  if (context.args().has("dry-run")) {
    return print_plan(context, name, context.out().is_json() ? "json" : "text");
  }
  if (context.args().has("wait")) wait_for_stack(context);
  const auto plan = make_plan(context, name);
  return with_environment(context, [&](const run::Environment& environment) {
    return run::to_int(run::run_phase(plan, environment));
  });
}

int execute_beside_open_run(Context& context, const std::string& name) {
  const auto plan = make_plan(context, name);
  return with_environment(context, [&](run::Environment environment) {
    environment.beside_open_run = true;
    return run::to_int(run::run_phase(plan, environment));
  });
}

}  // namespace fusebox::cli
