// SPDX-License-Identifier: Apache-2.0
// The verb check: when was the last backup, when was one last proven?
#pragma once

#include <string>

#include "common/json.hpp"

namespace fbx::backup {

std::string check_freshness(const Op& op, const common::Context& context);

}  // namespace fbx::backup
