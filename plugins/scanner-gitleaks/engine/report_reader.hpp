// SPDX-License-Identifier: Apache-2.0
// Reads the findings of a report in gitleaks' JSON. report/ writes it.
#pragma once

#include <string_view>
#include <vector>

#include "engine/finding.hpp"

namespace fusebox::scan {

// Throws std::runtime_error when it is none.
std::vector<Finding> read_json_report(std::string_view text);

}  // namespace fusebox::scan
