// SPDX-License-Identifier: Apache-2.0
// What a database holds, told in a form that two servers can be compared by: rows by table, and a
// hash of their content that does not depend on their order on disk or on a session's settings.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fbx::snapshot {

// How many rows of a table are hashed, about; of a larger one those whose key's hash says so, which
// are the same rows everywhere. 0: all.
using DigestRows = std::int64_t;

// psql's input, for a session in a transaction: a line for each table, and one for the end. Tables
// that an extension made are its own, and in no dump.
std::string contents_script(std::optional<DigestRows> digest);
// The same for what a restore must know besides, and for what no dump of one database holds.
std::string facts_script();

// What these scripts, and a dump between them, answer.
struct Told {
  boost::json::object counts;
  boost::json::object digests;
  boost::json::object facts;
  std::vector<std::string> left_out;
  std::string version;
  int dump_exit = -1;
  bool whole = false;  // nothing of what was said is missing
  std::string rest;    // what the programs said themselves
};
Told read_told(std::string_view text);

// The first difference, as a text; "" when both are equal.
std::string difference(const boost::json::object& wanted, const boost::json::object& found);

}  // namespace fbx::snapshot
