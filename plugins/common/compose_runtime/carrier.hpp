// SPDX-License-Identifier: Apache-2.0
// A container through which the engine reads and fills a volume.
#pragma once

#include <string>

#include "common/archive_copy.hpp"
#include "common/compose_runtime/volume_use.hpp"
#include "common/docker/engine.hpp"

namespace fbx::compose_runtime {

// Which of the service's own containers may be used: none, one that is stopped, or also one that
// runs.
enum class Reuse { no, stopped, running };

// The service's own container where there is one that may be reused; else one that is made of the
// service's image, and removed at the end.
class Carrier {
 public:
  // Throws Error{FBX_UNAVAILABLE} when there is neither a container nor an image. `project` is for
  // the labels of one that is made.
  Carrier(docker::Engine& engine, const VolumeUse& volume, std::string_view project, Reuse reuse);
  ~Carrier();
  Carrier(const Carrier&) = delete;
  Carrier& operator=(const Carrier&) = delete;

  const std::string& id() const { return id_; }
  const std::string& folder() const { return folder_; }  // where the volume is in it

  // Runs a script there, in the image's shell and in the volume's folder: the engine itself offers
  // no way to move or remove a file. The container must be one that was made. Throws Error{FBX_IO}
  // with what the script said last when it fails.
  void run(const std::string& script, const std::string& what);

 private:
  docker::Engine& engine_;
  std::string id_;
  std::string folder_;
  bool made_ = false;
};

// Removes the carriers of a volume whose makers were interrupted. A script that such a one still
// runs ends with it.
void remove_carriers(docker::Engine& engine, const VolumeUse& volume);

// Empties the volume and gives its folder back to whom it belonged. Throws when that fails.
void empty_volume(docker::Engine& engine, const VolumeUse& volume, std::string_view project,
                  const common::ArchiveRoot& root);

}  // namespace fbx::compose_runtime
