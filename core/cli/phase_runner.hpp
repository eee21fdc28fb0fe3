// SPDX-License-Identifier: Apache-2.0
// From a phase's name on the command line to its exit code.
#pragma once

#include "config/config.hpp"

#include <functional>
#include <string>

namespace fusebox::run {
struct Environment;
}

namespace fusebox::cli {

class Context;

// Plans the phase and runs it; with --dry-run shows what each step would do instead.
int execute_phase(Context& context, const std::string& name);

// Runs the phase although a run is open, for what its recovery needs.
int execute_beside_open_run(Context& context, const std::string& name);

// The same for a phase that exists, with `edit` applied to each of its steps first.
void edit_phase(Context& context, const std::string& name,
                const std::function<void(config::StepConfig&)>& edit);

// Gives every step of the phase whose verb has such an option this value. How many have it.
int give_option(Context& context, const std::string& phase, const std::string& option,
                const config::Value& value);

// Prints the plan of a phase in `format` ("text", "json", "mermaid"), with each step's own plan.
int print_plan(Context& context, const std::string& name, const std::string& format);

// Calls `body` with what core/run needs of the rest of fusebox, and returns its exit code.
int with_environment(Context& context, const std::function<int(const run::Environment&)>& body);

}  // namespace fusebox::cli
