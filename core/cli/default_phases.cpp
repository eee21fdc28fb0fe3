// SPDX-License-Identifier: Apache-2.0
#include "cli/default_phases.hpp"

#include "plugin/host.hpp"
#include "util/error.hpp"

#include <fusebox/runtime.h>
#include <fusebox/step.h>
#include <fusebox/store.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace fusebox::cli {

namespace {

constexpr std::array<std::string_view, 8> names = {"deploy",  "up",   "stop",   "start",
                                                   "restart", "down", "health", "backup"};

config::StepConfig step(const std::string& instance, std::string_view verb) {
  config::StepConfig result;
  result.instance = instance;
  result.verb = verb;
  result.with.data = config::Table{};
  result.origin.source = "default";
  result.with.origin = result.origin;
  return result;
}

// What was started a moment ago may need some time to answer: a check that can wait is told to.
void let_wait(config::StepConfig& check, const plugin::Verb& verb) {
  const auto wait = verb.options.find("wait");
  if (wait == verb.options.end() || wait->second.type != config::FieldType::duration) return;
  check.with.get_if<config::Table>()->set("wait", {std::string("60s"), check.origin});
}

bool uses_store(const plugin::Manifest& manifest) {
  return std::find(manifest.requires_.begin(), manifest.requires_.end(), FBX_IFACE_STORE) !=
         manifest.requires_.end();
}

std::vector<config::StepConfig> all_checks(const plugin::Host& host, std::string_view phase) {
  std::vector<config::StepConfig> checks;
  for (const auto& instance : host.instances()) {
    const auto& manifest = instance.plugin->manifest;
    const auto verb = manifest.verbs.find("check");
    if (verb == manifest.verbs.end() || !manifest.provides_interface(FBX_IFACE_STEP)) continue;
    if (phase == "deploy" && uses_store(manifest)) continue;  // a new stack has no backup yet
    checks.push_back(step(instance.name, "check"));
    if (phase == "deploy") let_wait(checks.back(), verb->second);
  }
  return checks;
}

}  // namespace

std::span<const std::string_view> default_phase_names() { return names; }

std::vector<const plugin::InstanceInfo*> backup_instances(const plugin::Host& host,
                                                          const std::string& verb) {
  std::vector<const plugin::InstanceInfo*> found;
  for (const auto& instance : host.instances()) {
    const auto& manifest = instance.plugin->manifest;
    if (uses_store(manifest) && manifest.verbs.count(verb) != 0) found.push_back(&instance);
  }
  return found;
}

const plugin::InstanceInfo* backup_instance(const plugin::Host& host, const std::string& verb) {
  const auto found = backup_instances(host, verb);
  if (found.size() > 1)
    throw Error(
        Errc::config,
        fmt::format("both \"{}\" and \"{}\" make generations", found[0]->name, found[1]->name),
        "keep one of them, or define the phase in the configuration");
  return found.empty() ? nullptr : found.front();
}

std::optional<config::PhaseConfig> default_phase(const plugin::Host& host, std::string_view name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) return std::nullopt;
  config::PhaseConfig phase;
  phase.name = name;
  phase.origin.source = "default";
  if (name == "health") {
    // Every check runs, whatever the others say: one red part never hides another.
    phase.on_failure = config::OnFailure::keep_going;
  } else if (name == "backup") {
    const auto* maker = backup_instance(host, "create");
    if (maker == nullptr)
      throw Error(
          Errc::not_found, "no plugin of this stack makes generations",
          "add one that does, and a store, to the configuration: see `fusebox plugins list`");
    phase.groups.push_back({step(maker->name, "create")});
  } else {
    const std::string& runtime = host.provider(FBX_IFACE_RUNTIME).name;
    phase.groups.push_back({step(runtime, name == "deploy" ? "up" : name)});
    // What goes down stays down: starting services again is no repair of a failed stop.
    if (name == "stop" || name == "down" || name == "restart")
      phase.on_failure = config::OnFailure::stop;
  }
  if (name == "health" || name == "deploy") {
    auto checks = all_checks(host, name);
    if (!checks.empty()) phase.groups.push_back(std::move(checks));
  }
  if (phase.groups.empty()) {
    throw Error(Errc::not_found, "no plugin of this stack has a verb `check`",
                "add a probe to the configuration: `fusebox plugins list` shows those there are");
  }
  return phase;
}

}  // namespace fusebox::cli
