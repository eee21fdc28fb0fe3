// SPDX-License-Identifier: Apache-2.0
// Which data volumes a project has.
#pragma once

#include <string>
#include <vector>

#include "common/compose_runtime/scene.hpp"

namespace fbx::compose_runtime {

// A volume of the project.
struct VolumeUse {
  std::string key;      // its name in the Compose files
  std::string name;     // the engine's
  std::string service;  // the first that mounts it; may be empty
  std::string image;    // that service's; may be empty
};

// The volumes of the Compose files, then those of `existing` that carry the project's label.
std::vector<VolumeUse> find_volumes(Scene& scene, const std::vector<docker::Volume>& existing);

// The one that the request names under `volume`. Throws Error{FBX_NOT_FOUND} with the names there
// are.
VolumeUse find_volume(Scene& scene, const json::object& request);

// Throws Error{FBX_CONFLICT} while a container runs that uses the volume.
void require_stopped(Scene& scene, const VolumeUse& volume);

// Makes it as Compose would; false when it is there already.
bool make_volume(Scene& scene, const VolumeUse& volume);

}  // namespace fbx::compose_runtime
