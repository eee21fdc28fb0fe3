// SPDX-License-Identifier: Apache-2.0
// What OrbStack adds to a Docker engine: it is started by `orb`, and services have names.
#pragma once

#include <chrono>
#include <cstdint>
#include <fusebox/plugin.hpp>
#include <map>
#include <string>

#include "common/docker/engine.hpp"

namespace runtime_orbstack {

// How long OrbStack may take to answer after `orb start`.
inline constexpr std::chrono::seconds start_time{60};

// Runs `orb start` when the engine does not answer, and waits until it does. Throws
// Error{FBX_NOT_FOUND} when OrbStack is not installed, Error{FBX_UNAVAILABLE} with what orb said
// when it does not come up.
void start_engine(const fbx::Op& op, fbx::docker::Engine& engine);

// Before its first start OrbStack has made no Docker context: then `orb start` is run, and what
// find_engine() says of the context afterwards counts. Throws what that throws.
void make_known(const fbx::Op& op, const fbx::docker::Wish& wish);

// "https://web.project.orb.local", or the first of the service's own domains: OrbStack ends TLS
// there and finds the service's HTTP port by itself, or by its labels. Empty for a port that is not
// the one behind that name.
std::string domain_url(const std::string& project, const std::string& service,
                       const std::map<std::string, std::string>& labels, std::uint16_t target);

}  // namespace runtime_orbstack
