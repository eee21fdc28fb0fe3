// SPDX-License-Identifier: Apache-2.0
// The verb `monitor`: waits for the drive, and syncs whenever it is there.
#pragma once

#include <fusebox/plugin.hpp>
#include <string>

#include "sync.hpp"

namespace fbx::external {

// Ends by the operator's cancel; after `for` has passed; with `once`, after the first sync that
// went well.
std::string monitor(const Op& op, const SyncContext& context, const common::json::object& with);

}  // namespace fbx::external
