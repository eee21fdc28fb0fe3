// SPDX-License-Identifier: Apache-2.0
// The verb `scan`.
#pragma once

#include <common/json.hpp>
#include <common/result.hpp>
#include <string>

#include "scan_request.hpp"

namespace fusebox::scan {

// The findings as `request` asks for them, of whichever engine. Throws fbx::Error.
Report run_scan(const fbx::Op& op, const ScanRequest& request);

// For a person: "the history of ../shop".
std::string source_text(const ScanRequest& request);

// The step's answer. Secrets stand in a report alone, and only when that was asked for.
std::string scan_result(const fbx::Op& op, const ScanRequest& request, const Report& report);

}  // namespace fusebox::scan
