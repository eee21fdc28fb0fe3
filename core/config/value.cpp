// SPDX-License-Identifier: Apache-2.0
#include "config/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace fusebox::config {

std::string Origin::str() const {
  return line == 0 ? source : fmt::format("{}:{}:{}", source, line, column);
}

const Value* Table::find(std::string_view key) const {
  const auto it = std::ranges::find(members_, key, &Member::first);
  return it == members_.end() ? nullptr : &it->second;
}

Value* Table::find(std::string_view key) {
  const auto it = std::ranges::find(members_, key, &Member::first);
  return it == members_.end() ? nullptr : &it->second;
}

Value& Table::set(std::string key, Value value) {
  if (Value* old = find(key)) return *old = std::move(value);
  return append(std::move(key), std::move(value));
}

Value& Table::append(std::string key, Value value) {
  return members_.emplace_back(std::move(key), std::move(value)).second;
}

void Table::reserve(std::size_t members) { members_.reserve(members); }

bool Table::erase(std::string_view key) {
  return std::erase_if(members_, [&](const Member& member) { return member.first == key; }) != 0;
}

void set_origin(Value& value, const Origin& origin) {
  value.origin = origin;
  if (List* list = value.get_if<List>()) {
    for (Value& element : *list) set_origin(element, origin);
  } else if (Table* table = value.get_if<Table>()) {
    for (auto& [key, member] : *table) set_origin(member, origin);
  }
}

std::string_view Value::type_name() const {
  static constexpr std::array<std::string_view, 6> names = {"boolean", "integer", "number",
                                                            "string",  "list",    "table"};
  return names.at(data.index());
}

}  // namespace fusebox::config
