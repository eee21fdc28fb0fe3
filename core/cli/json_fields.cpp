// SPDX-License-Identifier: Apache-2.0
#include "cli/json_fields.hpp"

#include "util/text.hpp"

#include <boost/json.hpp>

namespace fusebox::cli {

namespace {

const boost::json::array* array_field(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_array();
}

}  // namespace

std::string text_field(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string() : util::sanitize_line(*text);
}

std::int64_t int_field(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr) return 0;
  boost::system::error_code error;
  const auto number = value->to_number<std::int64_t>(error);
  return error ? 0 : number;
}

std::vector<boost::json::object> objects_field(const boost::json::object& object,
                                               std::string_view key) {
  std::vector<boost::json::object> found;
  if (const auto* items = array_field(object, key)) {
    for (const auto& item : *items) {
      if (item.is_object()) found.push_back(item.get_object());
    }
  }
  return found;
}

std::vector<std::string> texts_field(const boost::json::object& object, std::string_view key) {
  std::vector<std::string> found;
  if (const auto* items = array_field(object, key)) {
    for (const auto& item : *items) {
      if (item.is_string()) found.push_back(util::sanitize_line(item.get_string()));
    }
  }
  return found;
}

}  // namespace fusebox::cli
