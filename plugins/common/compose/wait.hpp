// SPDX-License-Identifier: Apache-2.0
// Is a service up? And waiting until all are, woken by the engine's events.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/compose/model.hpp"
#include "common/docker/engine.hpp"

namespace fbx::compose {

class Project;

// What counts as up: its health check says so, or it runs at all.
enum class Until { healthy, running };

enum class Readiness { ready, waiting, failed };

struct ServiceVerdict {
  std::string service;
  Readiness readiness = Readiness::waiting;
  std::string why;  // "is starting", "exited with code 1", "has no container"
};

// By exact states: `starting`, restarting and created wait; unhealthy, exited, dead, paused and
// missing have failed. Without a health check, running is all that can be said. A one-shot service
// is ready when it exited with 0. `containers` are that service's.
ServiceVerdict judge_service(const Model& model, std::string_view service,
                             const std::vector<docker::ContainerDetails>& containers,
                             Until until = Until::healthy);

// Waits until all of `services` are ready. Throws Error{FBX_FAILED} at the first that failed, and
// Error{FBX_TIMEOUT} that names what is still waited for.
void wait_until_ready(Project& project, const std::vector<std::string>& services,
                      Until until = Until::healthy);

}  // namespace fbx::compose
