// SPDX-License-Identifier: Apache-2.0
#include "run/json_read.hpp"

#include <fmt/format.h>

#include <boost/json/value.hpp>

#include "util/error.hpp"

namespace fusebox::run {

namespace json = boost::json;

namespace {

const json::value& field(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) throw Error(Errc::io, fmt::format("field \"{}\" is missing", key));
  return *value;
}

[[noreturn]] void wrong_type(std::string_view key, std::string_view type) {
  throw Error(Errc::io, fmt::format("field \"{}\" is not {}", key, type));
}

}  // namespace

std::string string_field(const json::object& object, std::string_view key) {
  const auto* text = field(object, key).if_string();
  if (text == nullptr) wrong_type(key, "a string");
  return std::string(text->data(), text->size());
}

std::int64_t integer_field(const json::object& object, std::string_view key) {
  const auto* number = field(object, key).if_int64();
  if (number == nullptr) wrong_type(key, "an integer");
  return *number;
}

bool bool_field(const json::object& object, std::string_view key) {
  const auto* flag = field(object, key).if_bool();
  if (flag == nullptr) wrong_type(key, "true or false");
  return *flag;
}

const json::object& object_field(const json::object& object, std::string_view key) {
  const auto* inner = field(object, key).if_object();
  if (inner == nullptr) wrong_type(key, "an object");
  return *inner;
}

const json::array& array_field(const json::object& object, std::string_view key) {
  const auto* array = field(object, key).if_array();
  if (array == nullptr) wrong_type(key, "an array");
  return *array;
}

}  // namespace fusebox::run
