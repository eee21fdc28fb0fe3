// SPDX-License-Identifier: Apache-2.0
#include "cli/schema_view.hpp"

#include "config/render.hpp"

#include <fmt/format.h>

namespace fusebox::cli {

namespace {

std::string type_text(const config::Field& field) {
  using enum config::FieldType;
  switch (field.type) {
    case string:
      return field.choices.empty() ? "string"
                                   : fmt::format("one of {}", fmt::join(field.choices, ", "));
    case template_text:
      return "text with ${secret:NAME}";
    case secret:
      return "{ secret = \"NAME\" }";
    case integer:
      return "integer";
    case number:
      return "number";
    case boolean:
      return "boolean";
    case port:
      return "port";
    case duration:
      return "duration";
    case size:
      return "size";
    case path:
      return "path";
    case list:
      return field.of ? fmt::format("list of {}", type_text(*field.of)) : "list";
    case map:
      return field.of ? fmt::format("map of {}", type_text(*field.of)) : "map";
    case table:
      return "table";
  }
  return "";
}

const config::Schema* inner(const config::Field& field) {
  if (!field.fields.empty()) return &field.fields;
  return field.of ? inner(*field.of) : nullptr;
}

}  // namespace

std::string schema_text(const config::Schema& schema, std::size_t indent) {
  std::string text;
  for (const auto& [name, field] : schema) {
    std::string need = field.required ? ", required" : "";
    if (field.default_value)
      need = fmt::format(", default {}", config::to_toml(*field.default_value));
    text += fmt::format("{:{}}{} ({}{})\n", "", indent, name, type_text(field), need);
    if (!field.description.empty())
      text += fmt::format("{:{}}{}\n", "", indent + 4, field.description);
    if (const auto* fields = inner(field)) text += schema_text(*fields, indent + 2);
  }
  return text;
}

}  // namespace fusebox::cli
