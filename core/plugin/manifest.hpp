// SPDX-License-Identifier: Apache-2.0
// What a plugin says about itself in <id>.fusebox.toml, read without loading any code.
#pragma once

#include "config/schema.hpp"

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fusebox::plugin {

// What a verb does to the stack. `none` takes no lock and may run at any time.
enum class Effect { none, change };

// [verbs.up] summary, effect = "none"|"change", undo = true, timeout = "10m", options = schema
struct Verb {
  std::string name;
  std::string summary;
  Effect effect = Effect::change;
  bool undo = false;
  std::chrono::milliseconds timeout{0};  // the default deadline; 0: the core's
  config::Schema options;
};

// [[commands]] name ("scan", "security audit"), summary, verb (its options become command-line
// options), examples, argument (the option that a word without a name gives), document (the option
// with which the command prints its result's `document` and nothing else), needs_config (false: it
// also runs where there is no fusebox.toml)
struct Command {
  std::string name;
  std::string summary;
  std::string verb;
  std::vector<std::string> examples;
  std::string argument;  // empty: takes none
  std::string document;  // empty: never
  bool needs_config = true;
};

struct Manifest {
  std::string id;       // [a-z][a-z0-9-]*, the file's and the library's name
  std::string version;  // semantic version
  std::string summary;
  std::string license;                // SPDX expression
  std::vector<std::string> provides;  // interface ids
  std::vector<std::string> offers;    // the same, provided only where [use] chooses it
  std::vector<std::string> requires_;
  std::vector<std::string> wants;     // used where the stack has one
  std::vector<std::string> secrets;   // names it may ask for beside those its settings refer to
  std::vector<std::string> programs;  // it may run
  std::map<std::string, Verb> verbs;
  config::Schema config;
  std::vector<Command> commands;
  std::filesystem::path file;
  std::string text;  // byte for byte

  bool provides_interface(std::string_view id) const;
};

// Reads and checks a manifest. Throws ConfigError with every problem and its place.
Manifest parse_manifest(std::string text, const std::filesystem::path& file);
Manifest read_manifest(const std::filesystem::path& file);

}  // namespace fusebox::plugin
