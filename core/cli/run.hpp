// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace fusebox::cli {

// The whole program: finds the command that `words` (all but the program's name) say, runs it,
// reports what goes wrong, and returns the exit code. Throws nothing.
int run(const std::vector<std::string>& words) noexcept;

}  // namespace fusebox::cli
