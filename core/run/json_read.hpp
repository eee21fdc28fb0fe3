// SPDX-License-Identifier: Apache-2.0
// Fields of JSON objects that come from a file and may be anything.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace fusebox::run {

// All throw Error{io} that names the field when it is missing or of another type.
std::string string_field(const boost::json::object& object, std::string_view key);
std::int64_t integer_field(const boost::json::object& object, std::string_view key);
bool bool_field(const boost::json::object& object, std::string_view key);
const boost::json::object& object_field(const boost::json::object& object, std::string_view key);
const boost::json::array& array_field(const boost::json::object& object, std::string_view key);

}  // namespace fusebox::run
