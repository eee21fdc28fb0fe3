// SPDX-License-Identifier: Apache-2.0
// Requests as they come in, and checkpoints as they go to the journal.
#pragma once

#include <boost/json.hpp>
#include <common/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace runtime_process {

// Throws fbx::Error{argument} when it is no JSON object.
inline boost::json::object parse_request(std::string_view text) {
  return fbx::common::parse_object(text, "the request");
}

// The texts in the list under `key`; empty when there is none.
std::vector<std::string> strings_at(const boost::json::object& table, std::string_view key);

// Absent counts as empty, or as false.
inline std::string string_at(const boost::json::object& table, std::string_view key) {
  return fbx::common::text_at(table, key).value_or("");
}
inline bool bool_at(const boost::json::object& table, std::string_view key) {
  return fbx::common::boolean_at(table, key).value_or(false);
}

// What the journal keeps about an effect, written before it:
//   {"create_volume":"postgres"}
//   {"start":"redis"}
//   {"stop":"redis","run":"<who started it>","definition":{...}}    so that it can be put back
namespace checkpoint {
inline constexpr std::string_view create_volume = "create_volume";
inline constexpr std::string_view start = "start";
inline constexpr std::string_view stop = "stop";
}  // namespace checkpoint

}  // namespace runtime_process
