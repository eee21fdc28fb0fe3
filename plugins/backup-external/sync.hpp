// SPDX-License-Identifier: Apache-2.0
// The verb `sync`: whatever is whole in the stack's store and not on the drive gets there. Nothing
// is ever taken from the drive but by its own rules.
#pragma once

#include <fusebox/plugin.hpp>
#include <string>

#include "common/json.hpp"
#include "common/retention.hpp"
#include "drive.hpp"

namespace fbx::external {

struct SyncContext {
  const common::Context& context;
  const Drive& drive;
};

std::string plan_sync(const Op& op, const SyncContext& context);

// Throws Error{FBX_SKIPPED} with the age of the last good copy when the drive is not there.
std::string sync(const Op& op, const SyncContext& context);

}  // namespace fbx::external
