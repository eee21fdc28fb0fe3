// SPDX-License-Identifier: Apache-2.0
// What a command is. All of them stand in one table (commands.cpp); help, completion, parsing and
// dispatch read nothing else.
#pragma once

#include "run/exit_code.hpp"

#include <cstddef>
#include <limits>
#include <span>
#include <string_view>

namespace fusebox::cli {

class Context;

struct OptionSpec {
  std::string_view name;
  char letter = 0;         // 0: has no short form
  std::string_view value;  // what stands for its value in help; empty: a flag
  std::string_view help;
};

// What must be there before a command's function is called. Each includes those before it.
enum class Needs {
  nothing,  // runs anywhere, reads nothing
  plugins,  // the catalog of manifests
  config,   // a configuration that loads
  stack,    // every plugin's settings checked against its manifest
};

// What shell completion offers in the place of an argument.
enum class Completes {
  nothing,
  services,
  phases,
  instances,
  plugins,
  runs,
  commands,
  shells,
  files
};

enum class Group { stack, services, backup, history, setup, other };

// Which exit codes `--help` lists.
enum class Exits { plain, phase, health, program };

inline constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

struct Arity {
  std::size_t least = 0;
  std::size_t most = 0;
  // From this argument on every word belongs to a program and is not parsed: `exec db psql -l`.
  std::size_t program_from = unlimited;
};

struct Command {
  std::string_view name;  // "ps", "plugins list"
  Group group;
  Needs needs;
  Arity arity;
  std::string_view arguments;  // "[SERVICE...]"
  std::string_view summary;    // one line, no full stop
  std::string_view details;    // a paragraph for --help; may be empty
  std::string_view examples;   // "command\twhat it does" lines
  std::span<const OptionSpec> options;
  Completes completes;
  Exits exits;
  int (*function)(Context&);  // returns the exit code
};

// Every command. A name of two words belongs to a group of commands; the first word alone means
// the group's first entry.
std::span<const Command> commands();

// Options that every command takes, before or after its name.
std::span<const OptionSpec> global_options();

// The entry of that exact name.
const Command* find_command(std::string_view name);

// The first entry of the group `word`: "plugins" is "plugins list".
const Command* find_group(std::string_view word);

// The exit codes that such a command has of its own.
std::span<const run::ExitCode> exit_codes(Exits exits);

}  // namespace fusebox::cli
