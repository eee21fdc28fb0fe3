// SPDX-License-Identifier: Apache-2.0
// The verbs of fusebox.step/1: up, start, stop, restart, down; planned, done and undone.
#pragma once

#include <string>
#include <string_view>

#include "settings.hpp"

namespace fbx {
class Op;
}

namespace runtime_process {

// Each takes and gives JSON as step.h says. Throw fbx::Error.
std::string plan_verb(fbx::Op& op, const Settings& settings, std::string_view request);
std::string run_verb(fbx::Op& op, const Settings& settings, std::string_view request);
std::string undo_verb(fbx::Op& op, const Settings& settings, std::string_view request);

}  // namespace runtime_process
