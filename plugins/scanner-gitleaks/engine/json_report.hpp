// SPDX-License-Identifier: Apache-2.0
// Findings in gitleaks' JSON, written byte for byte as it does, and read.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/finding.hpp"

namespace fusebox::scan {

std::string json_report(std::span<const Finding> findings);

// Throws std::runtime_error when it is none.
std::vector<Finding> read_json_report(std::string_view text);

}  // namespace fusebox::scan
