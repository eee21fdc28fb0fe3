// SPDX-License-Identifier: Apache-2.0
// From a phase's name to what will be done. Everything that can be refused is refused here, before
// any effect.
#pragma once

#include "config/config.hpp"
#include "plugin/host.hpp"

#include <boost/json/object.hpp>
#include <chrono>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::plan {

struct Step {
  std::string label;  // "cache.check", unique in the plan ("#2" is added to a second one)
  std::string instance;
  std::string verb;
  plugin::Effect effect = plugin::Effect::change;
  bool can_undo = false;
  bool skipped = false;  // by --skip or --only: stays visible, is not run
  std::chrono::milliseconds timeout{0};
  int retries = 0;
  boost::json::object with;  // canonical
};

struct Plan {
  std::string phase;
  config::OnFailure on_failure = config::OnFailure::undo;
  std::vector<std::vector<Step>> groups;  // one group's steps run in parallel
  std::vector<std::string> secrets;       // every name that its steps may ask for
  bool changes = false;                   // false: read-only, takes no lock and writes no journal
};

struct Selection {
  std::set<std::string> skip;  // instances
  std::set<std::string> only;  // empty: all
};

// What the planner has to know about plugins; a Host tells it.
struct Instances {
  std::span<const plugin::InstanceInfo> all;
  // As Host::provider.
  std::function<const plugin::InstanceInfo&(std::string_view interface_id)> provider;
};

// Throws ConfigError with every problem: unknown phase, instance or verb (with the nearest), an
// interface that nobody or more than one provides, a step that undo cannot undo in a phase that
// promises it, options that do not fit, secrets without a provider, an unknown name in `selection`.
Plan make_plan(const config::Config& config, const plugin::Host& host, std::string_view phase,
               const Selection& selection);
Plan make_plan(const config::Config& config, const Instances& instances, std::string_view phase,
               const Selection& selection);

}  // namespace fusebox::plan
