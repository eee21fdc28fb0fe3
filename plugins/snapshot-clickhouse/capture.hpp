// SPDX-License-Identifier: Apache-2.0
// Captures ClickHouse while it runs and is written to: FREEZE hard-links the parts of a table as
// they are at one moment, and the links are streamed.
#pragma once

#include <cstdint>
#include <string>

#include "server.hpp"

namespace fbx::snapshot {

// fbx_snapshot_v1.capture; the answer. `hash_limit`: see hash_frozen().
std::string capture(const Server& server, int fd, std::int64_t hash_limit);

}  // namespace fbx::snapshot
