// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/schema.hpp"

#include <vector>

namespace fusebox::cli {

class Output;

// Prints each problem with its place and hint; with --json one object per problem on stdout.
void print_problems(Output& output, const std::vector<config::Problem>& problems, int exit_code);

}  // namespace fusebox::cli
