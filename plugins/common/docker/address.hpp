// SPDX-License-Identifier: Apache-2.0
// Which Docker engine, and how it is reached: the same one that the docker command would take.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fbx::docker {

// Where the certificates of an engine behind TLS are. A file that does not exist is not used.
struct Tls {
  std::filesystem::path ca;
  std::filesystem::path certificate;
  std::filesystem::path key;
  bool verify = true;
};

struct Address {
  std::string url;               // "unix:///var/run/docker.sock", "tcp://10.0.0.2:2376"
  std::string source;            // for a person: "DOCKER_HOST", "the context orbstack"
  std::string context;           // the context's name, when it came from one
  std::filesystem::path socket;  // of unix://; empty otherwise
  std::string host = "docker";   // of tcp://; IPv6 without brackets
  std::uint16_t port = 0;        // of tcp://
  std::optional<Tls> tls;        // tcp:// only

  bool local() const { return !socket.empty(); }
  // Whether what it publishes on its loopback is on ours too.
  bool here() const;
};

// What a plugin's config says; empty members say nothing.
struct Wish {
  std::string host;     // as DOCKER_HOST
  std::string context;  // as DOCKER_CONTEXT
};

// Reads one environment variable; nothing when it is unset or empty.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;
Environment process_environment();

// By the docker command's own rules: the wish, DOCKER_HOST, DOCKER_CONTEXT, `currentContext` of
// config.json in DOCKER_CONFIG or ~/.docker, else the default socket. A context "orbstack" that is
// not on record but whose socket is there is found too. Touches no network.
// Throws Error{FBX_CONFIG} for a context or an address that is none, Error{FBX_UNSUPPORTED} for
// ssh:// and npipe://.
Address find_engine(const Wish& wish, const Environment& environment = process_environment());

// What makes a `docker` child talk to the same engine, whatever this process's environment holds.
struct ChildEnvironment {
  std::map<std::string, std::string> set;
  std::vector<std::string> unset;
};
ChildEnvironment child_environment(const Address& address);

}  // namespace fbx::docker
