// SPDX-License-Identifier: Apache-2.0
#include "plan/plan.hpp"

#include "plugin/interfaces.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "config/config_error.hpp"

namespace fusebox::plan {

namespace {

using config::Origin;
using config::Problem;
using plugin::InstanceInfo;

constexpr std::string_view secrets_interface = "fusebox.secrets/1";

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates,
                         std::string otherwise) {
  const auto near = config::nearest(word, candidates);
  return near ? fmt::format("did you mean \"{}\"?", *near) : std::move(otherwise);
}

std::string listed(std::string_view before, const std::vector<std::string>& names) {
  return names.empty() ? std::string() : fmt::format("{}{}", before, fmt::join(names, ", "));
}

// Collects all that is wrong with one phase.
class Planner {
 public:
  Planner(const config::Config& config, const Instances& instances, const Selection& selection)
      : config_(config), instances_(instances), selection_(selection) {}

  Plan plan(std::string_view phase);

 private:
  const config::PhaseConfig& find_phase(std::string_view name) const;
  Step step(const config::StepConfig& written);
  const plugin::Verb* verb(const config::StepConfig& written);
  const InstanceInfo* instance(const config::StepConfig& written);
  std::string unique_label(const config::StepConfig& written);
  bool is_skipped(const std::string& instance) const;
  void use(const InstanceInfo& info, const Origin& origin);
  void check_selection(const config::PhaseConfig& phase);
  void check_undo(const Plan& plan, const config::PhaseConfig& phase);
  void check_secrets(const config::PhaseConfig& phase);
  // The provider, or nothing after noting why not.
  const InstanceInfo* provider(std::string_view interface_id, const Origin& origin,
                               std::string_view who);
  void problem(const Origin& origin, std::string what, std::string hint = {});

  const config::Config& config_;
  const Instances& instances_;
  const Selection& selection_;
  std::vector<Problem> problems_;
  std::map<std::string, int> labels_;
  std::set<const InstanceInfo*> used_;
  std::set<std::string> secrets_;
};

void Planner::problem(const Origin& origin, std::string what, std::string hint) {
  problems_.push_back({origin, std::move(what), std::move(hint)});
}

const config::PhaseConfig& Planner::find_phase(std::string_view name) const {
  if (const auto* phase = config_.phase(name)) return *phase;
  std::vector<std::string> names;
  for (const auto& phase : config_.phases) names.push_back(phase.name);
  throw config::ConfigError({{Origin{config_.file.filename().native(), 0, 0},
                              fmt::format("there is no phase \"{}\"", name),
                              did_you_mean(name, names, listed("there are: ", names))}});
}

bool Planner::is_skipped(const std::string& instance) const {
  return selection_.skip.contains(instance) ||
         (!selection_.only.empty() && !selection_.only.contains(instance));
}

const InstanceInfo* Planner::instance(const config::StepConfig& written) {
  const auto found =
      std::find_if(instances_.all.begin(), instances_.all.end(),
                   [&](const InstanceInfo& info) { return info.name == written.instance; });
  if (found != instances_.all.end()) return &*found;
  std::vector<std::string> names;
  for (const InstanceInfo& info : instances_.all) names.push_back(info.name);
  const auto* configured = config_.plugin(written.instance);
  if (configured != nullptr && !configured->implied)
    problem(written.origin,
            fmt::format("the plugin \"{}\" of instance \"{}\" cannot be used", configured->use,
                        written.instance),
            "`fusebox plugins list` says why");
  else
    problem(written.origin, fmt::format("there is no plugin or instance \"{}\"", written.instance),
            did_you_mean(written.instance, names, "`fusebox plugins list` shows the plugins"));
  return nullptr;
}

const plugin::Verb* Planner::verb(const config::StepConfig& written) {
  const InstanceInfo* info = instance(written);
  if (info == nullptr) return nullptr;
  const auto& verbs = info->plugin->manifest.verbs;
  if (const auto found = verbs.find(written.verb); found != verbs.end()) {
    if (!is_skipped(written.instance)) use(*info, written.origin);
    return &found->second;
  }
  std::vector<std::string> names;
  names.reserve(verbs.size());
  for (const auto& [name, ignored] : verbs) names.push_back(name);
  problem(written.origin, fmt::format("\"{}\" has no verb \"{}\"", written.instance, written.verb),
          did_you_mean(written.verb, names, listed("it has: ", names)));
  return nullptr;
}

const InstanceInfo* Planner::provider(std::string_view interface_id, const Origin& origin,
                                      std::string_view who) {
  try {
    return &instances_.provider(interface_id);
  } catch (const Error& error) {
    problem(origin, fmt::format("{} needs {}: {}", who, interface_id, error.what()), error.hint());
    return nullptr;
  }
}

// The instance, and those that it will call through the host.
void Planner::use(const InstanceInfo& info, const Origin& origin) {
  if (!used_.insert(&info).second) return;
  const plugin::Manifest& manifest = info.plugin->manifest;
  if (!manifest.provides_interface(secrets_interface))
    secrets_.insert(info.secrets.begin(), info.secrets.end());
  const auto use_providers = [&](const std::string& id, bool required) {
    bool is_there = false;
    for (const InstanceInfo& candidate : instances_.all) {
      if (!candidate.provides_interface(id)) continue;
      is_there = true;
      if (plugin::is_plural(id)) use(candidate, origin);
    }
    if (is_there ? plugin::is_plural(id) : !required) return;
    if (const InstanceInfo* other = provider(id, origin, fmt::format("\"{}\"", info.name)))
      use(*other, origin);
  };
  for (const std::string& id : manifest.requires_) use_providers(id, true);
  for (const std::string& id : manifest.wants) use_providers(id, false);
}

std::string Planner::unique_label(const config::StepConfig& written) {
  const std::string name = written.instance + "." + written.verb;
  const int count = ++labels_[name];
  return count == 1 ? name : fmt::format("{}#{}", name, count);
}

Step Planner::step(const config::StepConfig& written) {
  Step step;
  step.label = unique_label(written);
  step.instance = written.instance;
  step.verb = written.verb;
  step.skipped = is_skipped(written.instance);
  step.retries = written.retries.value_or(0);
  const plugin::Verb* known = verb(written);
  if (known == nullptr) return step;
  step.effect = known->effect;
  step.can_undo = known->undo;
  step.timeout = written.timeout.value_or(known->timeout);
  step.with = config::canonicalize(written.with, known->options,
                                   fmt::format("`with` of step {}", step.label), problems_);
  if (!step.skipped)
    for (std::string& name : config::secret_names(step.with, known->options))
      secrets_.insert(std::move(name));
  return step;
}

void Planner::check_selection(const config::PhaseConfig& phase) {
  std::vector<std::string> names;
  for (const auto& group : phase.groups)
    for (const auto& written : group) names.push_back(written.instance);
  const auto check = [&](const std::set<std::string>& chosen, const char* option) {
    for (const std::string& name : chosen)
      if (std::find(names.begin(), names.end(), name) == names.end())
        problem({option, 0, 0},
                fmt::format("phase {} has no step of an instance \"{}\"", phase.name, name),
                did_you_mean(name, names, listed("it has steps of: ", names)));
  };
  check(selection_.skip, "--skip");
  check(selection_.only, "--only");
  if (!names.empty() && std::all_of(names.begin(), names.end(),
                                    [this](const std::string& name) { return is_skipped(name); }))
    problem({selection_.only.empty() ? "--skip" : "--only", 0, 0},
            fmt::format("nothing of phase {} is left to run", phase.name));
}

// The rule: where a failure is to be undone, a step that changes the stack and has no undo may only
// be the last one, alone in its group, so that nothing can fail after or beside it.
void Planner::check_undo(const Plan& plan, const config::PhaseConfig& phase) {
  if (plan.on_failure != config::OnFailure::undo) return;
  std::vector<const Step*> risky;
  std::vector<const config::StepConfig*> places;
  std::size_t in_last_group = 0;
  const Step* last = nullptr;
  for (std::size_t g = 0; g < plan.groups.size(); ++g) {
    std::size_t active = 0;
    for (std::size_t s = 0; s < plan.groups[g].size(); ++s) {
      const Step& step = plan.groups[g][s];
      if (step.skipped) continue;
      ++active;
      last = &step;
      if (step.effect == plugin::Effect::none || step.can_undo) continue;
      risky.push_back(&step);
      places.push_back(&phase.groups[g][s]);
    }
    if (active > 0) in_last_group = active;
  }
  for (std::size_t i = 0; i < risky.size(); ++i)
    if (risky[i] != last || in_last_group > 1)
      problem(places[i]->origin,
              fmt::format("step {} cannot be undone, but phase {} promises to undo what failed",
                          risky[i]->label, phase.name),
              "put it last, or set on_failure = \"stop\" or \"continue\"");
}

void Planner::check_secrets(const config::PhaseConfig& phase) {
  if (secrets_.empty()) return;
  provider(secrets_interface, phase.origin,
           fmt::format("phase {} (secrets {})", phase.name, fmt::join(secrets_, ", ")));
}

Plan Planner::plan(std::string_view name) {
  const config::PhaseConfig& phase = find_phase(name);
  Plan plan;
  plan.phase = phase.name;
  plan.on_failure = phase.on_failure;
  std::size_t count = 0;
  for (const auto& written : phase.groups) {
    auto& group = plan.groups.emplace_back();
    for (const auto& one : written) {
      group.push_back(step(one));
      ++count;
      if (!group.back().skipped && group.back().effect == plugin::Effect::change)
        plan.changes = true;
    }
  }
  if (count == 0) problem(phase.origin, fmt::format("phase {} has no steps", phase.name));
  check_selection(phase);
  if (problems_.empty()) check_undo(plan, phase);
  check_secrets(phase);
  if (!problems_.empty()) throw config::ConfigError(std::move(problems_));
  plan.secrets.assign(secrets_.begin(), secrets_.end());
  return plan;
}

}  // namespace

Plan make_plan(const config::Config& config, const Instances& instances, std::string_view phase,
               const Selection& selection) {
  return Planner(config, instances, selection).plan(phase);
}

Plan make_plan(const config::Config& config, const plugin::Host& host, std::string_view phase,
               const Selection& selection) {
  const Instances instances{host.instances(), [&host](std::string_view id) -> const InstanceInfo& {
                              return host.provider(id);
                            }};
  return make_plan(config, instances, phase, selection);
}

}  // namespace fusebox::plan
