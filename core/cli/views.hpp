// SPDX-License-Identifier: Apache-2.0
// What a stack's runtime says, as tables.
#pragma once

namespace fusebox::cli {

class Context;

// Each asks the runtime about the services among the arguments (none: all) and prints a table, or
// one JSON object with --json.
void print_services(Context& context);
void print_urls(Context& context);
void print_stats(Context& context);
void print_volumes(Context& context);

// What the stack uses, behind a run: both tables, or with --json one object of type "stats" and one
// of type "volumes". What the runtime cannot tell is said, and is no failure.
void print_use(Context& context);

}  // namespace fusebox::cli
