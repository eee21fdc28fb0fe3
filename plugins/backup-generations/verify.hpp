// SPDX-License-Identifier: Apache-2.0
// The verb verify: is every byte there, and can every source be opened?
#pragma once

#include <string>

#include "common/json.hpp"

namespace fbx::backup {

std::string verify(const Op& op, const common::StepRequest& request);

}  // namespace fbx::backup
