// SPDX-License-Identifier: Apache-2.0
// A Compose project as the runtime needs to know it, whoever reads its files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <fusebox/plugin.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/docker/address.hpp"

namespace fbx::compose_runtime {

// What the Compose files define.
struct Layout {
  struct Port {
    std::uint16_t target = 0;
    std::string name{};           // may be empty
    std::uint16_t published = 0;  // what the files say; 0: nothing, or the engine's choice
  };
  struct Service {
    std::string name;
    std::string image;  // empty where it is not known
    std::vector<std::string> depends_on;
    std::vector<Port> ports;
    std::map<std::string, std::string> volumes;  // key of a named volume: where it is mounted
    bool one_shot = false;                       // it ends by itself, with code 0
  };
  std::vector<Service> services;               // in the order to show them in
  std::map<std::string, std::string> volumes;  // key: the engine's name

  const Service* find(std::string_view service) const;
};

struct Project {
  docker::Wish engine;
  std::string name;  // the Compose project's
  // What should be there, without asking for a secret; nothing when nobody can tell, and then what
  // the engine has counts as all there is. Called by several threads.
  std::function<std::optional<Layout>(const Op& op)> layout;
  // How a running container's port is called from outside, where the engine offers more than
  // addresses: "https://langfuse.orb.local". Empty: by host and port. May be unset.
  std::function<std::string(const std::string& service,
                            const std::map<std::string, std::string>& labels, std::uint16_t target)>
      url{};
};

}  // namespace fbx::compose_runtime
