// SPDX-License-Identifier: Apache-2.0
// The gitleaks in PATH, as an engine.
#pragma once

#include <fusebox/plugin.hpp>

#include "scan_request.hpp"

namespace fusebox::scan {

// Throws fbx::Error when there is no gitleaks, or it fails.
Report scan_with_gitleaks(const fbx::Op& op, const ScanRequest& request);

}  // namespace fusebox::scan
