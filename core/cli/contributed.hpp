// SPDX-License-Identifier: Apache-2.0
// Commands that are not in the table: those of the configuration ([commands.db-shell]), and those
// that plugins' manifests offer ([commands.scan]).
#pragma once

#include "cli/options.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace fusebox::config {
struct CommandConfig;
}
namespace fusebox::plugin {
struct Command;
struct Found;
}  // namespace fusebox::plugin

namespace fusebox::cli {

class Context;
class Output;

// Points into the context's configuration and catalog.
struct ContributedCommand {
  std::string name;
  std::string summary;
  const config::CommandConfig* program = nullptr;  // one of these two
  const plugin::Command* plugin_command = nullptr;
  const plugin::Found* plugin = nullptr;  // whose command it is
};

// All of them: the configuration's first, then those of plugins that the stack uses, then others.
// Where a name is taken, the first one wins; the table's own always does. Throws what loading the
// configuration throws; without one there are none.
std::vector<ContributedCommand> contributed_commands(Context& context);

// Runs the command that `line` names, by its first word or its first two. Throws Error{argument}
// with the nearest name when there is none.
int run_contributed(const CommandLine& line, Output& output);

}  // namespace fusebox::cli
