// SPDX-License-Identifier: Apache-2.0
#include "cli/context.hpp"
#include "cli/default_phases.hpp"
#include "cli/groups.hpp"
#include "cli/phase_runner.hpp"
#include "config/config.hpp"
#include "plugin/host.hpp"
#include "util/error.hpp"

#include <fmt/format.h>

namespace fusebox::cli {

namespace {

// A phase of `verb` by every instance that copies generations, side by side: each to a place of its
// own, and none waits for another's.
int run_copiers(Context& context, const std::string& verb, const config::Table& with) {
  const config::Origin origin{"the command line"};
  config::PhaseConfig phase;
  phase.name = context.args().command;
  phase.on_failure = config::OnFailure::keep_going;
  phase.origin = origin;
  auto& group = phase.groups.emplace_back();
  for (const auto* copier : backup_instances(context.host(), verb)) {
    config::StepConfig step;
    step.instance = copier->name;
    step.verb = verb;
    step.origin = origin;
    step.with = {with, origin};
    group.push_back(std::move(step));
  }
  if (group.empty())
    throw Error(
        Errc::not_found,
        fmt::format("no plugin of this stack copies generations (none has a verb `{}`)", verb),
        "add one that requires a store and has it to the configuration: see `fusebox plugins "
        "list`");
  context.replace_phase(std::move(phase));
  return execute_phase(context, context.args().command);
}

}  // namespace

int sync_backups(Context& context) { return run_copiers(context, "sync", {}); }

int monitor_backups(Context& context) {
  const config::Origin origin{"the command line"};
  config::Table with;
  if (context.args().has("once")) with.set("once", {true, origin});
  if (const auto limit = context.args().value("for")) with.set("for", {*limit, origin});
  return run_copiers(context, "monitor", with);
}

}  // namespace fusebox::cli
