// SPDX-License-Identifier: Apache-2.0
// The verb create: every source into one generation, or none.
#pragma once

#include <string>

#include "common/json.hpp"

namespace fbx::backup {

std::string plan_create(const Op& op, const common::Context& context,
                        const common::StepRequest& request);
std::string create(const Op& op, const common::Context& context, const common::StepRequest& request,
                   const common::json::object& release);

}  // namespace fbx::backup
