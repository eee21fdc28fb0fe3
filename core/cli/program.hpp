// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace fusebox::config {
struct CommandConfig;
}

namespace fusebox::cli {

class Context;

// Runs a command of the configuration ([commands.db-shell]) beside its service, with the words of
// the command line behind its own. Returns the program's exit code.
int run_configured_program(Context& context, const config::CommandConfig& command);

}  // namespace fusebox::cli
