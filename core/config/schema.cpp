// SPDX-License-Identifier: Apache-2.0
#include "config/schema.hpp"

#include "config/canonical.hpp"
#include "config/config_error.hpp"
#include "config/reader.hpp"
#include "config/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>

namespace fusebox::config {
namespace {

using NamedType = std::pair<std::string_view, FieldType>;

constexpr std::array<NamedType, 13> field_types = {{
    {"string", FieldType::string},
    {"template", FieldType::template_text},
    {"secret", FieldType::secret},
    {"integer", FieldType::integer},
    {"number", FieldType::number},
    {"boolean", FieldType::boolean},
    {"port", FieldType::port},
    {"duration", FieldType::duration},
    {"size", FieldType::size},
    {"path", FieldType::path},
    {"list", FieldType::list},
    {"map", FieldType::map},
    {"table", FieldType::table},
}};

bool is_field_name(std::string_view text) { return is_secret_name(text) || is_name(text); }

Field read_field(const Value& value, const std::string& where, std::vector<Problem>& problems);

// "[config.tls]" and "fields.port" make "[config.tls.fields.port]".
std::string deeper(std::string_view where, std::string_view name) {
  return fmt::format("{}.{}]", where.substr(0, where.size() - 1), name);
}

std::optional<FieldType> type_of(std::string_view name) {
  const auto found = std::ranges::find(field_types, name, &NamedType::first);
  if (found == field_types.end()) return std::nullopt;
  return found->second;
}

FieldType read_type(const Value& value, const std::string& name, std::string_view where,
                    std::vector<Problem>& problems) {
  if (const auto type = type_of(name)) return *type;
  std::vector<std::string> known;
  known.reserve(field_types.size());
  for (const NamedType& named : field_types) known.emplace_back(named.first);
  std::string hint = did_you_mean(name, known);
  if (hint.empty()) hint = fmt::format("known: {}", fmt::join(known, ", "));
  problems.push_back({value.origin, fmt::format("unknown type {} {}", quote(name), in_where(where)),
                      std::move(hint)});
  return FieldType::string;
}

bool holds_elements(FieldType type) { return type == FieldType::list || type == FieldType::map; }

// `of = "string"`, or a table like any field's.
Field read_element(const Value& value, const std::string& where, std::vector<Problem>& problems) {
  const auto* name = value.get_if<std::string>();
  if (name == nullptr) return read_field(value, deeper(where, "of"), problems);
  Field field;
  field.type = read_type(value, *name, where, problems);
  if (holds_elements(field.type) || field.type == FieldType::table) {
    const bool table = field.type == FieldType::table;
    problems.push_back(
        {value.origin,
         fmt::format("\"of\" {} must be a table that describes the {}", in_where(where), *name),
         fmt::format("write of = {{ type = \"{}\", {} = ... }}", *name, table ? "fields" : "of")});
    field.type = FieldType::string;
  }
  return field;
}

Schema read_fields(const Table& table, const std::string& where, std::vector<Problem>& problems) {
  Schema schema;
  for (const auto& [name, value] : table) {
    if (is_field_name(name)) {
      schema.emplace(name, read_field(value, deeper(where, name), problems));
    } else {
      problems.push_back({value.origin,
                          fmt::format("{} {} is not a field's name", quote(name), in_where(where)),
                          "use letters, digits, _ and -"});
    }
  }
  return schema;
}

// A list or map has `of`, a table has `fields`, no other type has either.
void read_inside(TableReader& reader, Field& field) {
  const Value* of = reader.any("of");
  const Table* fields = reader.table("fields");
  const Origin& origin = reader.origin();
  if (holds_elements(field.type)) {
    field.of = std::make_unique<Field>();
    if (of != nullptr) {
      *field.of = read_element(*of, reader.where(), reader.problems());
    } else {
      reader.problem(origin, fmt::format("{} has no \"of\"", reader.where()),
                     "write of = \"string\"");
    }
  } else if (of != nullptr) {
    reader.problem(of->origin,
                   fmt::format("\"of\" {} is for a list or a map", in_where(reader.where())));
  }
  if (field.type == FieldType::table) {
    if (fields != nullptr) {
      field.fields = read_fields(*fields, deeper(reader.where(), "fields"), reader.problems());
    } else if (reader.any("fields") == nullptr) {
      reader.problem(origin, fmt::format("{} has no \"fields\"", reader.where()),
                     "a table whose keys the user chooses is a map");
    }
  } else if (const Value* value = reader.any("fields")) {
    reader.problem(value->origin,
                   fmt::format("\"fields\" {} is for a table", in_where(reader.where())));
  }
}

void read_choices(TableReader& reader, Field& field) {
  field.choices = reader.texts("choices");
  const Value* value = reader.any("choices");
  if (value != nullptr && field.type != FieldType::string) {
    reader.problem(value->origin,
                   fmt::format("\"choices\" {} is for a string", in_where(reader.where())));
  }
}

// A default must be what a user could write.
void read_default(TableReader& reader, Field& field) {
  const Value* value = reader.any("default");
  if (value == nullptr) return;
  if (field.required) {
    reader.problem(value->origin, fmt::format("{} is required and has a default", reader.where()),
                   "remove one of the two");
  }
  Canonicalizer(reader.where(), value->origin, reader.problems()).value(*value, field, "default");
  field.default_value = *value;
  // It stands in no file of the user's.
  set_origin(*field.default_value, {"default", 0, 0});
}

Field read_field(const Value& value, const std::string& where, std::vector<Problem>& problems) {
  Field field;
  const Table* table = value.get_if<Table>();
  if (table == nullptr) {
    problems.push_back(
        {value.origin,
         fmt::format("{} must be a table, not {}", where, with_article(value.type_name())),
         "write { type = \"string\" }"});
    return field;
  }
  TableReader reader(*table, value.origin, where, problems);
  const std::size_t before = problems.size();
  if (const std::string* type = reader.required_text("type", "type = \"string\"")) {
    field.type = read_type(*table->find("type"), *type, where, problems);
  }
  if (const std::string* text = reader.text("description")) field.description = *text;
  if (const bool* required = reader.boolean("required")) field.required = *required;
  // What follows hangs on the type.
  if (table->find("type") != nullptr && problems.size() == before) {
    read_inside(reader, field);
    read_choices(reader, field);
    read_default(reader, field);
  } else {
    for (const std::string_view key : {"of", "fields", "choices", "default"}) reader.any(key);
    if (holds_elements(field.type)) field.of = std::make_unique<Field>();
  }
  reader.finish();
  return field;
}

}  // namespace

Schema read_schema(const Value& table, std::string_view where, std::vector<Problem>& problems) {
  if (const Table* fields = table.get_if<Table>()) {
    return read_fields(*fields, std::string(where), problems);
  }
  problems.push_back(
      {table.origin,
       fmt::format("{} must be a table, not {}", where, with_article(table.type_name())), ""});
  return {};
}

Schema read_schema(const Value& table) {
  std::vector<Problem> problems;
  Schema schema = read_schema(table, "[config]", problems);
  if (!problems.empty()) throw ConfigError(std::move(problems));
  return schema;
}

}  // namespace fusebox::config
