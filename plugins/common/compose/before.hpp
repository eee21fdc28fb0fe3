// SPDX-License-Identifier: Apache-2.0
// What was there before a step changed it: the checkpoint that undo goes by.
#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/compose/project.hpp"

namespace fbx::compose {

struct ContainerBefore {
  std::string id;
  std::string image;     // the reference it was made with
  std::string image_id;  // "sha256:..."
  bool running = false;
};

struct Before {
  std::vector<std::string> services;  // those that the step is about
  std::map<std::string, std::vector<ContainerBefore>> containers;
  std::map<std::string, std::string> applied;  // service: key of its Compose files
  std::set<std::string> volumes;               // those of the model that existed
  std::set<std::string> networks;              // likewise

  // The containers' ids, of all services.
  std::set<std::string> ids() const;
};

// Reads it off the engine, for `services`; `model` for their volumes and networks.
Before look_before(Project& project, const std::vector<std::string>& services);

boost::json::object to_json(const Before& before);
Before before_from(const boost::json::object& json);

}  // namespace fbx::compose
