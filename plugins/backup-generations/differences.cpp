// SPDX-License-Identifier: Apache-2.0
#include "differences.hpp"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

namespace fbx::backup {

std::vector<std::string> differences(const boost::json::object& captured,
                                     const boost::json::object& now) {
  std::vector<std::string> found;
  for (const auto& [name, wanted] : captured) {
    const auto* value = now.if_contains(name);
    if (value != nullptr && *value == wanted) continue;
    found.push_back(fmt::format("{}: {} instead of {}", std::string_view(name),
                                value == nullptr ? "nothing" : boost::json::serialize(*value),
                                boost::json::serialize(wanted)));
  }
  for (const auto& [name, value] : now)
    if (!captured.contains(name))
      found.push_back(fmt::format("{}: {} and it was not captured", std::string_view(name),
                                  boost::json::serialize(value)));
  return found;
}

}  // namespace fbx::backup
