// SPDX-License-Identifier: Apache-2.0
// What happens to containers, as the engine tells it; and waiting by it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/docker/engine.hpp"

namespace fbx::docker {

struct Event {
  std::string action;     // "start", "die", "destroy", "health_status: healthy", ...
  std::string id;         // of the container
  Labels attributes;      // the container's labels, and "name", "image", "exitCode"
  std::int64_t time = 0;  // nanoseconds since 1970, by the engine's clock
};

// Events of containers from the moment of construction on. Without those of health checks' own
// programs. `engine` must outlive it.
class Events {
 public:
  Events(Engine& engine, Filters filters);

  // The next one; nothing when none came until the deadline or for `most`. Throws
  // Error{FBX_UNAVAILABLE} when the engine goes away.
  std::optional<Event> next(const common::Deadline& deadline, std::chrono::milliseconds most);

 private:
  std::optional<Event> take();

  Engine* engine_;
  Stream stream_;
};

enum class Watch { done, wait };

// Shows `look` the matching containers, at once and whenever something happened to one, until it
// says done. Ready::timed_out at the deadline. Throws what `look` and Engine's methods throw.
common::Ready wait_for(Engine& engine, const Filters& filters, const common::Deadline& deadline,
                       const std::function<Watch(const std::vector<ContainerDetails>&)>& look);

}  // namespace fbx::docker
