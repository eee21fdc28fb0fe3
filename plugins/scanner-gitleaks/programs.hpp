// SPDX-License-Identifier: Apache-2.0
// How the scanner runs git and gitleaks.
#pragma once

#include <fusebox/plugin.hpp>

#include "engine/scanner.hpp"

namespace fusebox::scan {

// Programs that end with `op`, which outlives what they are used for.
StartProgram program_starter(const fbx::Op& op);

}  // namespace fusebox::scan
