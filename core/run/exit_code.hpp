// SPDX-License-Identifier: Apache-2.0
// How fusebox ends; docs/RUNS.md is the reference.
#pragma once

#include "util/error.hpp"

#include <string_view>

namespace fusebox::run {

enum class ExitCode : int {
  ok = 0,
  failed = 1,        // the phase failed, and was undone where its on_failure says so
  usage = 2,         // the command line or the configuration is wrong; nothing was done
  unhealthy = 3,     // a read-only phase found something unhealthy
  locked = 4,        // another run holds the stack, or an interrupted one waits for `recover`
  findings = 5,      // a read-only phase found errors, all else is well
  undo_failed = 6,   // the phase failed and could not be undone: hands needed
  skipped = 75,      // what a step needs is absent, all else is well
  interrupted = 130  // the operator stopped it
};

constexpr int to_int(ExitCode code) { return static_cast<int>(code); }

// One line for help texts.
std::string_view meaning(ExitCode code);

// For an error outside a run's steps: configuration and arguments are `usage`, a conflict is
// `locked`, cancelled is `interrupted`, skipped is `skipped`, all else `failed`.
ExitCode exit_code_for(Errc code);

}  // namespace fusebox::run
