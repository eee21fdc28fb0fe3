// SPDX-License-Identifier: Apache-2.0
// From words on a command line to a command's arguments.
#pragma once

#include "cli/command.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::cli {

// What was typed, by option name; a flag is there with no values.
struct Arguments {
  std::string command;  // as typed: "plugins info", "db-shell"; empty: none
  std::vector<std::string> positionals;
  std::vector<std::string> program;  // the words of a program, or those after "--"
  std::map<std::string, std::vector<std::string>, std::less<>> options;

  bool has(std::string_view option) const;
  // The last one given wins.
  std::optional<std::string> value(std::string_view option) const;
  // All of them, also split at commas when `split`.
  enum class Commas { keep, split };
  std::vector<std::string> values(std::string_view option, Commas commas = Commas::keep) const;
};

// A command line cut in two: the words that name the command, and all others.
struct CommandLine {
  std::vector<std::string> name;  // none, one or two words
  std::vector<std::string> rest;
};

// Finds the command among global options. Throws Error{argument} for an unknown option in front
// of it.
CommandLine split_command(std::span<const std::string> words);

// The option that `word` ("--set", "--set=a", "-c", "-cfile") spells, among `specs`, or nullptr.
const OptionSpec* find_option(std::string_view word, std::span<const OptionSpec> specs);

// True when the value of `spec`, spelled `word`, is the next word.
bool value_follows(std::string_view word, const OptionSpec& spec);

// Parses the words beside the command's name. `own` are the command's options. Throws
// Error{argument} for an unknown option (with the nearest), a missing value, and the wrong number
// of arguments.
Arguments parse_arguments(const std::string& command, std::span<const std::string> words,
                          std::span<const OptionSpec> own, const Arity& arity,
                          std::string_view arguments_help);

}  // namespace fusebox::cli
