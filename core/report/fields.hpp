// SPDX-License-Identifier: Apache-2.0
// Reading JSON of a shape that is not promised: what is missing, or of another type, is empty. Text
// comes out fit for a terminal.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::report {

std::string text_of(const boost::json::object& object, std::string_view key);
std::int64_t number_of(const boost::json::object& object, std::string_view key);
// An empty one when there is none.
const boost::json::object& object_of(const boost::json::object& object, std::string_view key);
const boost::json::array& array_of(const boost::json::object& object, std::string_view key);
std::vector<std::string> texts_of(const boost::json::object& object, std::string_view key);

// "a, b and c" would need words; "a, b, c" does not.
std::string joined(const std::vector<std::string>& texts, std::string_view separator = ", ");

// "1 step", "3 steps".
std::string counted(std::size_t count, std::string_view noun);

}  // namespace fusebox::report
