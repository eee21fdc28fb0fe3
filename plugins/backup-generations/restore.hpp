// SPDX-License-Identifier: Apache-2.0
// The verbs of a restore, in their order: prepare, stage, swap, compare, settle. Until settle
// begins every one of them can be taken back, and the live data is whole at every moment.
#pragma once

#include <string>

#include "common/json.hpp"

namespace fbx::backup {

bool is_restore_verb(const std::string& verb);

std::string plan_restore(const Op& op, const common::StepRequest& request);
std::string run_restore(const Op& op, const common::Context& context,
                        const common::StepRequest& request);
// `had_result`: run() had ended well.
std::string undo_restore(const Op& op, const common::Context& context,
                         const common::StepRequest& request, bool had_result);

}  // namespace fbx::backup
