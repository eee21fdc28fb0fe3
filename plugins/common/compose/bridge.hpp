// SPDX-License-Identifier: Apache-2.0
// What the runtime service needs to know of a project that Compose drives.
#pragma once

#include "common/compose/settings.hpp"
#include "common/compose/verbs.hpp"
#include "common/compose_runtime/project.hpp"

namespace fbx::compose {

// The layout comes from the kept model. When that is old, Compose is asked, without any secret;
// when it cannot be asked, an old model is better than none.
compose_runtime::Project runtime_project(const Settings& settings);

}  // namespace fbx::compose
