// SPDX-License-Identifier: Apache-2.0
// Which data of a restore is live: moves of whole tables, one statement each, so that what exists
// on the server always tells how far it came.
#pragma once

#include <string_view>

#include "scene.hpp"

namespace fbx::snapshot {

// fbx_snapshot_v1.turn
void turn(const Server& server, const Tag& tag, std::string_view to);

// Removes all that a tag has made and that is not live. Throws Error{FBX_CONFLICT}, and removes
// nothing, once a turn has begun.
void remove_staged(const Server& server, const Tag& tag);

}  // namespace fbx::snapshot
