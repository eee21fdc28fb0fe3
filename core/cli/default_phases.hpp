// SPDX-License-Identifier: Apache-2.0
// The phases that every stack has, whether or not its file defines them.
#pragma once

#include "config/config.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::plugin {
class Host;
struct InstanceInfo;
}  // namespace fusebox::plugin

namespace fusebox::cli {

// deploy, up, stop, start, restart, down, health, backup.
std::span<const std::string_view> default_phase_names();

// What `name` does when the configuration does not say:
//   up, stop, start, restart, down   that verb of the stack's runtime
//   health                           the verb `check` of every instance that has it, in parallel
//   deploy                           up, then the checks, with `wait` for those that can wait
//   backup                           the verb `create` of the instance that makes generations
// Nothing for any other name. Throws what Host::provider throws, and Error{not_found} when there is
// nothing to check.
std::optional<config::PhaseConfig> default_phase(const plugin::Host& host, std::string_view name);

// The instances that work with generations: they have `verb`, and require fusebox.store/1.
std::vector<const plugin::InstanceInfo*> backup_instances(const plugin::Host& host,
                                                          const std::string& verb);
// The one of them that makes generations.
// Null when there is none, Error{config} when there are several.
const plugin::InstanceInfo* backup_instance(const plugin::Host& host, const std::string& verb);

}  // namespace fusebox::cli
