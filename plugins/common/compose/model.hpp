// SPDX-License-Identifier: Apache-2.0
// What the Compose files say should be there, without any value that could be a secret.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fbx::compose {

class Cli;
struct Settings;

struct PublishedPort {
  std::string host_ip;    // empty: every address
  std::string published;  // a port, a range, or empty: one of the engine's choice. Of a scratch,
                          // which has always the latter, what the files say
  std::uint16_t target = 0;
  std::string protocol = "tcp";
};

struct VolumeUse {
  std::string type;    // "volume", "bind", "tmpfs"
  std::string source;  // of a volume its key in Model::volumes, else a path
  std::string target;
};

struct ServiceModel {
  std::string name;
  std::string image;  // empty when it is built and has no name
  bool is_built = false;
  bool has_check = false;  // it has a health check in the file; the image may bring one too
  std::string restart;     // "always", "no", ...; empty: no
  std::string user;
  int replicas = 1;
  std::map<std::string, std::string> depends_on;  // service: condition
  std::vector<PublishedPort> ports;
  std::vector<VolumeUse> volumes;
  std::map<std::string, std::string> labels;  // dev.orbstack.* alone
};

struct ResourceModel {  // a volume or a network
  std::string name;     // the engine's
  bool external = false;
};

struct Model {
  std::string project;
  std::vector<ServiceModel> services;  // by name
  std::map<std::string, ResourceModel> volumes;
  std::map<std::string, ResourceModel> networks;

  const ServiceModel* find(std::string_view name) const;
  std::vector<std::string> names() const;
  // A service that runs to its end: another waits for its success.
  bool is_one_shot(std::string_view service) const;
  // `names` and all that they depend on, in the model's order; empty means all. Throws
  // Error{FBX_NOT_FOUND} for one that is not there.
  std::vector<std::string> with_dependencies(const std::vector<std::string>& names) const;
};

// From `config --format json`. Throws Error{FBX_CONFIG} when it holds no service: then something
// else was read than was meant.
Model read_model(const boost::json::object& config);

struct LoadedModel {
  Model model;
  std::vector<std::string> unset;  // variables of the files that have no value
  std::vector<std::string> notes;  // how a scratch differs from the live project
};

// Asks Compose; no secret is needed, and none is in the answer. Keeps the model for kept_model().
LoadedModel load_model(Cli& cli);

// The model that was kept, as long as no file that it came from changed since; costs no process.
std::optional<Model> kept_model(const Settings& settings);

// The same even when something changed: better than nothing where Compose cannot be asked.
std::optional<Model> last_model(const Settings& settings);

boost::json::object to_json(const Model& model);
Model model_from(const boost::json::object& json);

}  // namespace fbx::compose
