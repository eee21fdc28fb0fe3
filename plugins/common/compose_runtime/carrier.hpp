// SPDX-License-Identifier: Apache-2.0
// A container that does not run, through which the engine reads and fills a volume.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/archive_copy.hpp"
#include "common/docker/engine.hpp"

namespace fbx::compose_runtime {

// A volume of the project.
struct VolumeUse {
  std::string key;      // its name in the Compose files
  std::string name;     // the engine's
  std::string service;  // the first that mounts it; may be empty
  std::string image;    // that service's; may be empty
};

// The service's own container where there is one, else one that is made of the service's image,
// never started, and removed at the end.
class Carrier {
 public:
  // Throws Error{FBX_UNAVAILABLE} when there is neither a container nor an image. `project` is for
  // the labels by which a carrier is found that was left behind.
  Carrier(docker::Engine& engine, const VolumeUse& volume, std::string_view project);
  ~Carrier();
  Carrier(const Carrier&) = delete;
  Carrier& operator=(const Carrier&) = delete;

  const std::string& id() const { return id_; }
  const std::string& folder() const { return folder_; }  // where the volume is in it

 private:
  docker::Engine& engine_;
  std::string id_;
  std::string folder_;
  bool made_ = false;
};

// Empties the volume and gives its folder back to whom it belonged, by a shell of the service's
// image: the engine itself offers no other way to remove a file. Throws when that fails.
void empty_volume(docker::Engine& engine, const VolumeUse& volume, std::string_view project,
                  const common::ArchiveRoot& root);

}  // namespace fbx::compose_runtime
