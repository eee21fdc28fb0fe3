// SPDX-License-Identifier: Apache-2.0
// The verbs that bring services up and down. Each answers with a step's result (fusebox/step.h).
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "common/compose/wait.hpp"

namespace fbx::compose {

class Project;

// The options of these verbs.
struct LifecycleOptions {
  std::vector<std::string> services;
  Until until = Until::healthy;
  bool alone = false;
  bool orphans = false;
  bool volumes = false;
  bool if_defined = false;  // services that the files do not have are left out
};

// Refuses blank variables and unequal versions, makes missing external networks, notes what there
// was in a checkpoint, lets Compose create and start, waits until all is ready, and proves that
// what runs is what is locked. Its result carries `release`.
boost::json::object up(Project& project, const LifecycleOptions& options);

boost::json::object start(Project& project, const LifecycleOptions& options);
boost::json::object stop(Project& project, const LifecycleOptions& options);
boost::json::object restart(Project& project, const LifecycleOptions& options);
boost::json::object down(Project& project, const LifecycleOptions& options);

// Removes what this project alone left behind; see the manifest.
boost::json::object clean(Project& project, const LifecycleOptions& options);

// What the checkpoints of those verbs hold:
//   {"before":{...}}              see before.hpp
//   {"overlay":true}              whether the overlay was in use before
//   {"create_network":"name"}
namespace checkpoint {
inline constexpr std::string_view before = "before";
inline constexpr std::string_view overlay = "overlay";
inline constexpr std::string_view create_network = "create_network";
inline constexpr std::string_view lock_text = "lock_text";
}  // namespace checkpoint

}  // namespace fbx::compose
