// SPDX-License-Identifier: Apache-2.0
// The verb prune: what the rules no longer keep goes.
#pragma once

#include <string>

#include "common/json.hpp"

namespace fbx::backup {

// One action per generation, with the reason it stays or goes.
std::string plan_prune(const Op& op, const common::Context& context);
std::string prune(const Op& op, const common::Context& context);

}  // namespace fbx::backup
