// SPDX-License-Identifier: Apache-2.0
// Reading what plugins answer: a field that is absent or of another type reads as empty.
#pragma once

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::cli {

// One line, safe for a terminal.
std::string text_field(const boost::json::object& object, std::string_view key);
std::int64_t int_field(const boost::json::object& object, std::string_view key);
// The objects of an array.
std::vector<boost::json::object> objects_field(const boost::json::object& object,
                                               std::string_view key);
std::vector<std::string> texts_field(const boost::json::object& object, std::string_view key);

}  // namespace fusebox::cli
