// SPDX-License-Identifier: Apache-2.0
#include "plan/outline.hpp"

#include "util/error.hpp"

#include <fmt/format.h>

namespace fusebox::plan {

namespace {

// Why the step cannot run, as far as configuration and manifests tell; empty when it could.
std::string missing(const config::Config& config, const plugin::Catalog& catalog,
                    const config::StepConfig& written, Step& step) {
  const config::PluginConfig* instance = config.plugin(written.instance);
  if (instance == nullptr) return fmt::format("there is no [plugins.{}]", written.instance);
  const plugin::Found* found = catalog.find(instance->use);
  if (found == nullptr) return fmt::format("the plugin \"{}\" is not installed", instance->use);
  const auto verb = found->manifest.verbs.find(written.verb);
  if (verb == found->manifest.verbs.end())
    return fmt::format("the plugin \"{}\" has no verb \"{}\"", instance->use, written.verb);
  step.effect = verb->second.effect;
  step.can_undo = verb->second.undo;
  step.timeout = written.timeout.value_or(verb->second.timeout);
  return {};
}

}  // namespace

Outline outline(const config::Config& config, const plugin::Catalog& catalog,
                std::string_view phase) {
  const config::PhaseConfig* written = config.phase(phase);
  if (written == nullptr) throw Error(Errc::config, fmt::format("there is no phase \"{}\"", phase));
  Outline result;
  result.plan.phase = written->name;
  result.plan.on_failure = written->on_failure;
  for (const auto& group : written->groups) {
    std::vector<Step>& steps = result.plan.groups.emplace_back();
    for (const config::StepConfig& entry : group) {
      Step& step = steps.emplace_back();
      step.instance = entry.instance;
      step.verb = entry.verb;
      step.label = fmt::format("{}.{}", entry.instance, entry.verb);
      if (std::string why = missing(config, catalog, entry, step); !why.empty())
        result.report.steps.push_back({step.label, {}, std::move(why), {}});
      result.plan.changes = result.plan.changes || step.effect == plugin::Effect::change;
    }
  }
  return result;
}

}  // namespace fusebox::plan
