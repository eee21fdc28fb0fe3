// SPDX-License-Identifier: Apache-2.0
// The verb verify: is every byte there, and can every source be opened?
#pragma once

#include <string>
#include <vector>

#include "common/json.hpp"
#include "common/result.hpp"
#include "generation.hpp"

namespace fbx::backup {

// Has the store re-read every file, and each of `sources` opened by its own plugin. What is wrong
// is a finding: an error where it cannot be restored, a warning where it could not be opened.
void prove(const Op& op, const Generation& generation, const std::vector<Stored>& sources,
           common::Result& result);

std::string verify(const Op& op, const common::StepRequest& request);

}  // namespace fbx::backup
