// SPDX-License-Identifier: Apache-2.0
// Completion scripts, made from the command table. What depends on the stack (services, phases, its
// own commands) they ask `fusebox complete KIND` for.
#pragma once

#include "cli/command.hpp"

#include <string>
#include <string_view>

namespace fusebox::cli {

std::string bash_completion();
std::string zsh_completion();
std::string fish_completion();

// "services", "phases", ...: what `fusebox complete` understands; empty where the shell knows best.
std::string_view to_string(Completes kind);

}  // namespace fusebox::cli
