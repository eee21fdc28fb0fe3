// SPDX-License-Identifier: Apache-2.0
// Restores a capture into databases of the tag's own, beside the live ones.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <string>

#include "scene.hpp"

namespace fbx::snapshot {

// fbx_snapshot_v1.stage; rows by table. Nothing is merged in the staged tables before turn()
// settles them: merges drop rows that newer ones replace, and counts could not be compared.
std::map<std::string, std::int64_t> stage(const Server& server, const Tag& tag, int fd,
                                          const boost::json::object* counts);

}  // namespace fbx::snapshot
