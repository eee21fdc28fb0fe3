// SPDX-License-Identifier: Apache-2.0
// Captures ClickHouse while it runs and is written to: FREEZE hard-links the parts of a table as
// they are at one moment, and the links are streamed.
#pragma once

#include <string>

#include "server.hpp"

namespace fbx::snapshot {

// fbx_snapshot_v1.capture; the answer.
std::string capture(const Server& server, int fd);

}  // namespace fbx::snapshot
