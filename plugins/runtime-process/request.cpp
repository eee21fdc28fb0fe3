// SPDX-License-Identifier: Apache-2.0
#include "request.hpp"

namespace runtime_process {

namespace json = boost::json;

std::vector<std::string> strings_at(const json::object& table, std::string_view key) {
  std::vector<std::string> list;
  if (const json::value* value = table.if_contains(key); value != nullptr && value->is_array())
    for (const json::value& item : value->as_array())
      if (item.is_string()) list.emplace_back(item.as_string());
  return list;
}

}  // namespace runtime_process
