// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/command.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fusebox::cli {

class Output;

// All that `fusebox <command> --help` prints.
std::string command_help(const Command& command, const Output& output);

// All that `fusebox help` prints; `contributed` are names and summaries.
std::string overview(const std::vector<std::pair<std::string, std::string>>& contributed,
                     const Output& output);

// "  --name, -n VALUE   help" lines.
std::string options_help(std::span<const OptionSpec> options);

}  // namespace fusebox::cli
