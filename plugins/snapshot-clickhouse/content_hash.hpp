// SPDX-License-Identifier: Apache-2.0
// Hashes of what tables hold, so that a restore is compared by more than numbers of rows: the sum
// of each row's hash, which is the same whatever the order and the parts are.
//
// What is hashed of a table is on record in a capture's facts, "digest:<table>" with the
// partitions: whole ones, the newest first, up to a limit.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <vector>

#include "frozen.hpp"
#include "server.hpp"

namespace fbx::snapshot {

// Of what was frozen; adds to the facts. The live table is asked for the parts that were frozen, so
// a partition is left out when one of them was merged away meanwhile, and a table when the server
// cannot hash its columns.
boost::json::object hash_frozen(const Server& server, const std::vector<Table>& tables,
                                const Parts& parts, std::int64_t limit, boost::json::object& facts);

// Of the live tables, as the facts say.
boost::json::object hash_live(const Server& server, const std::vector<Table>& live,
                              const boost::json::object& facts);

}  // namespace fbx::snapshot
