// SPDX-License-Identifier: Apache-2.0
// The verb `check`: is there a second copy, and how old is it? Also while the drive is away.
#pragma once

#include <fusebox/plugin.hpp>
#include <string>

#include "sync.hpp"

namespace fbx::external {

std::string check(const SyncContext& context);

}  // namespace fbx::external
