// SPDX-License-Identifier: Apache-2.0
// What the engine tells of containers, images, volumes and networks, as values.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fbx::docker {

namespace json = boost::json;

using Labels = std::map<std::string, std::string>;

enum class State { created, running, paused, restarting, removing, exited, dead };
enum class Health { none, starting, healthy, unhealthy };

std::string_view name_of(State state);
std::string_view name_of(Health health);

// A port of a container. `published` is 0 when only the container's networks reach it.
struct Port {
  std::uint16_t target = 0;
  std::uint16_t published = 0;
  std::string ip;  // the address it is published on; "0.0.0.0" and "::" mean every one
  std::string protocol = "tcp";
};

struct Mount {
  std::string type;         // "volume", "bind", "tmpfs"
  std::string name;         // of a volume
  std::string source;       // on the engine's machine
  std::string destination;  // in the container
  bool writable = true;
};

struct NetworkPlace {
  std::string network;
  std::string ip;  // empty while the container does not run
};

// One of the list, as /containers/json tells it.
struct Container {
  std::string id;
  std::string name;      // without the slash
  std::string image;     // as it was asked for; an id when the tag has moved on
  std::string image_id;  // "sha256:..."
  State state = State::created;
  std::string status;        // for a person: "Up 3 minutes (healthy)"
  std::int64_t created = 0;  // seconds since 1970
  Labels labels;
  std::vector<Port> ports;
  std::vector<Mount> mounts;
  std::vector<NetworkPlace> networks;

  // A label's text, empty when there is none.
  std::string label(std::string_view key) const;
};

// One container in full, as /containers/<id>/json tells it.
struct ContainerDetails {
  Container summary;  // `image` is what the container was made with; `status` stays empty
  Health health = Health::none;
  bool has_check = false;
  std::string health_output;  // what the last check said, one line; empty when it is healthy
  int failing_streak = 0;
  std::int64_t exit_code = 0;  // of the last end; only when it does not run
  int restarts = 0;            // by the restart policy
  bool oom_killed = false;
  std::string error;        // why it could not be started
  std::string started_at;   // RFC 3339; empty when it never started
  std::string finished_at;  // RFC 3339; empty when it never ended
  bool tty = false;
  std::string log_driver;
  std::string restart_policy;  // "no", "always", "unless-stopped", "on-failure"
  std::string user;
  bool read_only = false;  // its own file system
  std::int64_t pid = 0;    // on the engine's machine

  bool running() const {
    return summary.state == State::running || summary.state == State::restarting;
  }
};

struct Image {
  std::string id;                    // "sha256:..."
  std::vector<std::string> tags;     // "docker.io/library/redis:7"
  std::vector<std::string> digests;  // "redis@sha256:..."; empty for one that was built here
  std::int64_t bytes = 0;
  std::string created;  // RFC 3339
  std::string os;
  std::string architecture;
  Labels labels;
};

struct Volume {
  std::string name;
  std::string driver;
  std::string where;  // on the engine's machine, which may be a virtual one
  Labels labels;
  std::int64_t bytes = -1;  // -1: not measured
};

struct Network {
  std::string id;
  std::string name;
  std::string driver;
  Labels labels;
};

struct Version {
  std::string engine;       // "28.0.1"
  std::string api;          // "1.48", the newest that the engine speaks
  std::string minimum_api;  // "1.24"
  std::string os;
  std::string architecture;
};

struct Info {
  std::string name;  // "orbstack", or the machine's
  std::string operating_system;
  std::string os_type;
  std::string root;  // on the engine's machine
  std::string storage_driver;
  std::int64_t cpus = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t containers_running = 0;
  std::vector<std::string> warnings;
};

// From the engine's JSON. Unknown members are ignored and missing ones stay at their defaults;
// throw Error{FBX_IO} when the text is of another shape altogether.
std::vector<Container> read_containers(const json::value& list);
ContainerDetails read_details(const json::value& container);
Image read_image(const json::value& image);
Volume read_volume(const json::value& volume);
Network read_network(const json::value& network);
Version read_version(const json::value& version);
Info read_info(const json::value& info);

// "4.16.0" of "docker.langfuse.com/langfuse/langfuse:4.16.0@sha256:..."; empty when it has no tag.
std::string tag_of(std::string_view image_reference);

// Compose's own labels.
namespace label {
inline constexpr std::string_view project = "com.docker.compose.project";
inline constexpr std::string_view service = "com.docker.compose.service";
inline constexpr std::string_view volume = "com.docker.compose.volume";
inline constexpr std::string_view number = "com.docker.compose.container-number";
inline constexpr std::string_view oneoff = "com.docker.compose.oneoff";
inline constexpr std::string_view config_hash = "com.docker.compose.config-hash";
inline constexpr std::string_view depends_on = "com.docker.compose.depends_on";
}  // namespace label

}  // namespace fbx::docker
