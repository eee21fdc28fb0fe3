// SPDX-License-Identifier: Apache-2.0
// The stack's configuration: from TOML files, environment and flags to typed values.
#pragma once

#include "config/schema.hpp"
#include "config/toml_text.hpp"
#include "config/value.hpp"

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fusebox::config {

enum class OnFailure { undo, stop, keep_going };

// [plugins.<instance>] without `use`: the plugin of that id. An instance that only a step or [use]
// names is here too, without settings.
struct PluginConfig {
  std::string instance;
  std::string use;  // the plugin's id
  Value settings;   // a table, unchecked: the manifest's schema does that
  Origin origin;
  bool implied = false;  // it has no table; the origin is where it was named first
};

// "cache.check" or { step = "cache.check", timeout = "30s", retries = 2, with = {...} }
struct StepConfig {
  std::string instance;
  std::string verb;
  std::optional<std::chrono::milliseconds> timeout;
  std::optional<int> retries;  // of a step that answers UNAVAILABLE
  Value with;                  // a table
  Origin origin;
};

struct PhaseConfig {
  std::string name;
  OnFailure on_failure = OnFailure::undo;
  std::vector<std::vector<StepConfig>> groups;  // the steps of one group run in parallel
  Origin origin;
};

// [commands.db-shell] service = "postgres", command = ["psql"], help = "...", environment = {...}
struct CommandConfig {
  std::string name;
  std::string help;
  std::string service;
  std::vector<std::string> command;
  Value environment;  // a table of strings and secret handles
  Origin origin;
};

struct Config {
  std::filesystem::path file;       // absolute
  std::filesystem::path dir;        // its folder
  std::string stack;                // [stack] name
  std::filesystem::path state_dir;  // of this stack, absolute: <state home>/fusebox/<stack>
  std::optional<std::filesystem::path> versions;  // [stack] versions, absolute
  std::string scratch;  // not empty: this is a stack beside the live one, and so named
  std::filesystem::path live_state_dir;  // of that live stack
  std::vector<PluginConfig> plugins;
  std::vector<PhaseConfig> phases;
  std::vector<CommandConfig> commands;
  std::map<std::string, std::string>
      use;  // [use] runtime = "instance": who provides, where two could
  std::vector<std::filesystem::path> plugin_dirs;  // [stack] plugin_dirs; only a trusted folder may
  Value root;                                      // everything, merged, for `config show`

  const PhaseConfig* phase(std::string_view name) const;
  const PluginConfig* plugin(std::string_view instance) const;
};

struct LoadOptions {
  std::filesystem::path file;
  std::vector<std::string> set;                    // "a.b=c", later wins
  std::map<std::string, std::string> use;          // --use runtime=instance
  std::map<std::string, std::string> environment;  // FUSEBOX_* of the process
};

// Layers, lowest first: `include`d files in order, the file, FUSEBOX_<A>__<B>=c, --set, --use.
// Tables merge key by key, anything else is replaced. Throws ConfigError with every problem found.
Config load(const LoadOptions& options);
// The same with `root` for what the files say; options.file is read no more, it only names it.
Config load(Value root, const LoadOptions& options);

// The nearest fusebox.toml in `start` or a folder above it.
std::optional<std::filesystem::path> find_config(const std::filesystem::path& start);

}  // namespace fusebox::config
