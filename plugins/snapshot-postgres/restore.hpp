// SPDX-License-Identifier: Apache-2.0
// A dump restored into a database beside the live one, and which of both is live.
#pragma once

#include <string>

#include "contents.hpp"
#include "databases.hpp"

namespace fbx::snapshot {

// What a database holds now, of one moment. `then` is a statement for the same session.
Told count_contents(const Op& op, const Psql& psql, const std::string& database,
                    std::optional<DigestRows> digest, std::string_view then = {});

// Fills a database of the tag from `fd`, and returns what it holds then. Throws, with nothing of
// the tag left, when that is not `counts`.
Told stage(const Op& op, const Psql& psql, const Names& names, const boost::json::object& counts,
           const boost::json::object& facts, int fd);

// The states that `to` of fbx_snapshot_v1.turn names.
void turn(const Op& op, const Psql& psql, const Names& names, std::string_view to);

}  // namespace fbx::snapshot
