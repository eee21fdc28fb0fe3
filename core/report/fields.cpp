// SPDX-License-Identifier: Apache-2.0
#include "report/fields.hpp"

#include "util/text.hpp"

#include <fmt/format.h>

#include <cmath>

namespace fusebox::report {

namespace json = boost::json;

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? util::sanitize_line(value->get_string())
                                                : std::string();
}

std::int64_t number_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return 0;
  if (value->is_int64()) return value->get_int64();
  if (value->is_uint64()) {
    constexpr std::uint64_t most = INT64_MAX;
    return static_cast<std::int64_t>(std::min(value->get_uint64(), most));
  }
  const double* number = value->if_double();
  return number != nullptr && std::abs(*number) < 9e18 ? static_cast<std::int64_t>(*number) : 0;
}

const json::object& object_of(const json::object& object, std::string_view key) {
  static const json::object none;
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_object() ? value->get_object() : none;
}

const json::array& array_of(const json::object& object, std::string_view key) {
  static const json::array none;
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_array() ? value->get_array() : none;
}

std::vector<std::string> texts_of(const json::object& object, std::string_view key) {
  std::vector<std::string> texts;
  for (const json::value& item : array_of(object, key))
    if (item.is_string()) texts.push_back(util::sanitize_line(item.get_string()));
  return texts;
}

std::string joined(const std::vector<std::string>& texts, std::string_view separator) {
  return fmt::format("{}", fmt::join(texts, separator));
}

std::string counted(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace fusebox::report
