// SPDX-License-Identifier: Apache-2.0
// The images: fetching them, and locking what was fetched by its digest.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

namespace fbx::compose {

class Project;

// What is to be done about one image of the files.
struct ImagePlan {
  enum class Kind {
    present,  // locked by digest and here: nothing can have changed
    fetch,
    local  // made on this machine: it has no digest, and no registry knows it
  };
  std::string image;
  std::vector<std::string> services;
  Kind kind = Kind::fetch;
};

// One entry per image that is not built by Compose.
std::vector<ImagePlan> plan_images(Project& project, const std::vector<std::string>& services);

// Fetches what is not here, then appends the digests to the versions file in one atomic step. The
// checkpoint {"lock_text":{"before":...,"after":...}} lets undo restore that file.
boost::json::object pull(Project& project, const std::vector<std::string>& services);

// Locked, running and recorded, per image. `release` is the newest release on record, or empty.
// A service that runs another image than the files name, or services of unequal version, are
// findings of severity error.
boost::json::object versions(Project& project, const boost::json::object& release);

}  // namespace fbx::compose
