// SPDX-License-Identifier: Apache-2.0
// How this process reaches a container's port.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/deadline.hpp"
#include "common/docker/address.hpp"
#include "common/docker/types.hpp"

namespace fbx::compose_runtime {

struct Place {
  std::string host;
  std::uint16_t port = 0;
};

// Where a published port is reached from here; nothing when it is not published, or only on the
// loopback of the engine's own, other machine.
std::optional<Place> published_place(const docker::Address& engine, const docker::Port& port);

// Is there a machine behind the address, whether or not it listens on the port? Waits a moment at
// most: a container's address either is one of this machine's networks or nowhere at all.
bool can_reach(const std::string& ip, std::uint16_t port, const common::Deadline& deadline);

}  // namespace fbx::compose_runtime
