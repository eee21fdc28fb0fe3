// SPDX-License-Identifier: Apache-2.0
// What an instance that drives Docker Compose is configured with; runtime-docker and
// runtime-orbstack share it.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <common/json.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fbx::compose {

namespace fs = std::filesystem;
namespace json = boost::json;

struct Settings {
  std::string instance;
  std::string stack;
  fs::path config_dir;
  fs::path state_dir;  // this instance's own; need not exist yet

  std::string project;               // the Compose project's name
  std::string live_project;          // not empty: `project` is a scratch beside it; scratch.hpp
  std::vector<fs::path> files;       // never empty; ends with `overlay`, where that is in use
  std::vector<fs::path> overlay;     // what a deploy may leave out
  fs::path project_dir;              // what relative paths in the files start at
  std::vector<fs::path> env_files;   // in Compose's order: a later one wins
  std::optional<fs::path> versions;  // the lock file; also the last of the env files
  std::vector<std::string> profiles;
  // Given to Compose alone: text, {"$secret":"NAME"} or {"$template":"text ${secret:NAME}"}.
  json::object environment;
  std::string engine;   // as DOCKER_HOST; empty: as the docker command chooses
  std::string context;  // as DOCKER_CONTEXT
  std::vector<std::vector<std::string>> same_version;  // services that must run one version
  std::vector<std::string> volumes;                    // the named volumes that there should be
  bool refuse_unset = true;      // a variable of a Compose file without a value is an error
  std::uint64_t min_disk = 0;    // bytes
  std::uint64_t min_memory = 0;  // bytes

  bool is_scratch() const { return !live_project.empty(); }
  // The names of all secrets that `environment` mentions, sorted.
  std::vector<std::string> secrets() const;
};

// Reads the context of fbx_plugin.create. `files` without a value means the first of compose.yaml,
// compose.yml, docker-compose.yaml and docker-compose.yml in the configuration's folder, as Compose
// looks them up. A scratch has no overlay. Throws Error{FBX_CONFIG} for a project name that Compose
// would refuse.
Settings read_settings(const common::Context& context);

// The same with or without its overlay; nothing: as the stack was brought up last.
Settings with_overlay(Settings settings, std::optional<bool> wanted);
bool uses_overlay(const Settings& settings);
// Keeps for later calls whether the stack was brought up with its overlay.
void note_overlay(const Settings& settings, bool is_used);

// "langfuse-prod": lower case, digits, - and _, beginning with a letter or digit.
bool is_project_name(std::string_view name);

}  // namespace fbx::compose
