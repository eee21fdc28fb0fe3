// SPDX-License-Identifier: Apache-2.0
#include "config/canonical.hpp"

#include "config/reader.hpp"
#include "config/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <set>

namespace fusebox::config {
namespace {

namespace json = boost::json;

constexpr std::string_view handle_key = "$secret";
constexpr std::string_view handle_form = R"(write { secret = "NAME" })";

std::string inner(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

// A line to write: port = 0, the value by its type.
std::string example(std::string_view name, const Field& field) {
  if (!field.choices.empty()) return fmt::format("{} = {}", name, quote(field.choices.front()));
  switch (field.type) {
    case FieldType::secret:
      return fmt::format("{} = {{ secret = \"NAME\" }}", name);
    case FieldType::integer:
    case FieldType::number:
      return fmt::format("{} = 1", name);
    case FieldType::port:
      return fmt::format("{} = 8080", name);
    case FieldType::boolean:
      return fmt::format("{} = true", name);
    case FieldType::duration:
      return fmt::format("{} = \"30s\"", name);
    case FieldType::size:
      return fmt::format("{} = \"64MiB\"", name);
    case FieldType::list:
      return fmt::format("{} = [...]", name);
    case FieldType::map:
    case FieldType::table:
      return fmt::format("{} = {{ ... }}", name);
    case FieldType::string:
    case FieldType::template_text:
    case FieldType::path:
      break;
  }
  return fmt::format("{} = \"...\"", name);
}

}  // namespace

void Canonicalizer::wrong(const Value& value, const std::string& path, std::string_view wanted,
                          std::string hint) {
  problems_.push_back(wrong_type(value, path, where_, wanted, std::move(hint)));
}

void Canonicalizer::complain(const Value& value, const std::string& path, std::string_view what,
                             std::string hint) {
  problems_.push_back({value.origin, fmt::format("{} {} {}", quote(path), in_where(where_), what),
                       std::move(hint)});
}

json::object Canonicalizer::table(const Table& table, const Origin& origin, const Schema& schema,
                                  const std::string& path) {
  json::object made;
  std::vector<std::string> known;
  for (const auto& [name, field] : schema) known.push_back(name);
  for (const auto& [key, member] : table) {
    if (!schema.contains(key)) {
      problems_.push_back(unknown_key(member.origin, inner(path, key), key, where_, known));
    }
  }
  for (const auto& [name, field] : schema) {
    if (const Value* given = table.find(name)) {
      made.emplace(name, value(*given, field, inner(path, name)));
    } else if (field.default_value) {
      made.emplace(name, value(*field.default_value, field, inner(path, name)));
    } else if (field.required) {
      std::string what = where_.empty() ? "the file" : where_;
      if (!path.empty()) what = fmt::format("{} {}", quote(path), in_where(where_));
      problems_.push_back({origin, fmt::format("{} needs {}", what, quote(name)),
                           fmt::format("write {}", example(name, field))});
    }
  }
  return made;
}

json::value Canonicalizer::value(const Value& value, const Field& field, const std::string& path) {
  switch (field.type) {
    case FieldType::list:
      return list(value, field, path);
    case FieldType::map:
      return map(value, field, path);
    case FieldType::table:
      if (const Table* inside = value.get_if<Table>()) {
        return table(*inside, value.origin, field.fields, path);
      }
      wrong(value, path, "table");
      return {};
    default:
      return scalar(value, field, path);
  }
}

json::value Canonicalizer::scalar(const Value& value, const Field& field, const std::string& path) {
  switch (field.type) {
    case FieldType::string:
    case FieldType::path:
      return text(value, field, path);
    case FieldType::template_text:
      return template_text(value, path);
    case FieldType::secret:
      return secret(value, path);
    case FieldType::integer:
    case FieldType::port:
      return integer(value, field, path);
    case FieldType::number:
      return number(value, path);
    case FieldType::duration:
      return duration(value, path);
    case FieldType::size:
      return size(value, path);
    case FieldType::boolean:
      break;
    case FieldType::list:
    case FieldType::map:
    case FieldType::table:
      return {};
  }
  if (const bool* yes = value.get_if<bool>()) return *yes;
  wrong(value, path, "boolean");
  return {};
}

json::value Canonicalizer::text(const Value& value, const Field& field, const std::string& path) {
  const auto* found = value.get_if<std::string>();
  if (found == nullptr) {
    std::string hint;
    if (secret_handle(value)) hint = "this field takes no secret";
    wrong(value, path, "string", std::move(hint));
    return {};
  }
  if (field.type == FieldType::path) {
    if (found->empty()) complain(value, path, "is an empty path");
    return json::value(resolve_path(*found, value.origin, base_).string());
  }
  if (!field.choices.empty() && std::ranges::find(field.choices, *found) == field.choices.end()) {
    complain(value, path,
             fmt::format("must be one of {}, not {}", quote_all(field.choices), quote(*found)),
             did_you_mean(*found, field.choices));
  }
  return json::value(*found);
}

json::value Canonicalizer::template_text(const Value& value, const std::string& path) {
  if (const auto* found = value.get_if<std::string>()) {
    if (!for_each_reference(*found, [](std::string_view) {})) {
      complain(value, path, "holds a malformed secret reference", "write ${secret:NAME}");
    }
    return json::value(*found);
  }
  if (value.get_if<Table>() != nullptr) return secret(value, path);
  wrong(value, path, "string", std::string(handle_form) + " for a secret");
  return {};
}

json::value Canonicalizer::secret(const Value& value, const std::string& path) {
  const auto name = secret_handle(value);
  if (!name) {
    // The text may be the secret itself, so it is not shown.
    complain(value, path, "must be a secret's handle", std::string(handle_form));
    return {};
  }
  if (!is_secret_name(*name)) {
    complain(value, path, fmt::format("names the secret {}", quote(*name)),
             "a name has letters, digits and _, and does not start with a digit");
  }
  return json::object{{handle_key, *name}};
}

json::value Canonicalizer::integer(const Value& value, const Field& field,
                                   const std::string& path) {
  const auto* found = value.get_if<std::int64_t>();
  const bool port = field.type == FieldType::port;
  if (found == nullptr) {
    wrong(value, path, port ? "port" : "integer");
    return {};
  }
  if (port && (*found < 1 || *found > 65535)) {
    complain(value, path, fmt::format("is not a port: {}", *found), "ports are 1 to 65535");
  }
  return *found;
}

json::value Canonicalizer::number(const Value& value, const std::string& path) {
  if (const auto* whole = value.get_if<std::int64_t>()) return static_cast<double>(*whole);
  const auto* found = value.get_if<double>();
  if (found == nullptr) {
    wrong(value, path, "number");
    return {};
  }
  if (!std::isfinite(*found)) complain(value, path, "must be a finite number");
  return *found;
}

json::value Canonicalizer::duration(const Value& value, const std::string& path) {
  constexpr std::string_view form = R"(write "500ms", "90s", "10m" or "1h30m")";
  const auto* found = value.get_if<std::string>();
  if (found == nullptr) {
    wrong(value, path, "duration", std::string(form));
    return {};
  }
  const auto parsed = parse_duration(*found);
  if (parsed) return *parsed;
  complain(value, path, fmt::format("is not a duration: {}", quote(*found)), std::string(form));
  return {};
}

json::value Canonicalizer::size(const Value& value, const std::string& path) {
  constexpr std::string_view form = R"(write "64KiB", "10MB", "2GiB", or a number of bytes)";
  if (const auto* bytes = value.get_if<std::int64_t>()) {
    if (*bytes < 0)
      complain(value, path, fmt::format("is not a size: {}", *bytes), std::string(form));
    return *bytes;
  }
  const auto* found = value.get_if<std::string>();
  if (found == nullptr) {
    wrong(value, path, "size", std::string(form));
    return {};
  }
  const auto parsed = parse_size(*found);
  if (parsed) return *parsed;
  complain(value, path, fmt::format("is not a size: {}", quote(*found)), std::string(form));
  return {};
}

json::value Canonicalizer::list(const Value& value, const Field& field, const std::string& path) {
  const List* elements = value.get_if<List>();
  if (elements == nullptr) {
    wrong(value, path, "list", "put it in [ ]");
    return {};
  }
  json::array made;
  for (std::size_t i = 0; i < elements->size(); ++i) {
    made.push_back(this->value((*elements)[i], *field.of, fmt::format("{}[{}]", path, i)));
  }
  return made;
}

json::value Canonicalizer::map(const Value& value, const Field& field, const std::string& path) {
  const Table* members = value.get_if<Table>();
  if (members == nullptr) {
    wrong(value, path, "table");
    return {};
  }
  json::object made;
  for (const auto& [key, member] : *members) {
    made.emplace(key, this->value(member, *field.of, inner(path, key)));
  }
  return made;
}

bool for_each_reference(std::string_view text, const std::function<void(std::string_view)>& each) {
  constexpr std::string_view open = "${secret:";
  for (std::size_t at = text.find(open); at != std::string_view::npos; at = text.find(open, at)) {
    at += open.size();
    const std::size_t close = text.find('}', at);
    if (close == std::string_view::npos) return false;
    const std::string_view name = text.substr(at, close - at);
    if (!is_secret_name(name)) return false;
    each(name);
  }
  return true;
}

namespace {

void collect_value(const json::value& value, const Field& field, std::set<std::string>& names);

void collect(const json::object& object, const Schema& schema, std::set<std::string>& names) {
  for (const auto& [name, field] : schema) {
    if (const json::value* value = object.if_contains(name)) collect_value(*value, field, names);
  }
}

void collect_value(const json::value& value, const Field& field, std::set<std::string>& names) {
  const json::object* object = value.if_object();
  if (field.type == FieldType::list && value.is_array()) {
    for (const json::value& element : value.get_array()) collect_value(element, *field.of, names);
  } else if (field.type == FieldType::map && object != nullptr) {
    for (const auto& member : *object) collect_value(member.value(), *field.of, names);
  } else if (field.type == FieldType::table && object != nullptr) {
    collect(*object, field.fields, names);
  } else if (field.type == FieldType::template_text && value.is_string()) {
    for_each_reference(value.get_string(), [&](std::string_view name) { names.emplace(name); });
  } else if (object != nullptr && object->contains(handle_key)) {
    if (const auto* name = object->at(handle_key).if_string()) names.emplace(*name);
  }
}

}  // namespace

json::object canonicalize(const Value& settings, const Schema& schema, std::string_view where,
                          std::vector<Problem>& problems) {
  const Table* table = settings.get_if<Table>();
  if (table == nullptr) {
    problems.push_back(
        {settings.origin,
         fmt::format("{} must be a table, not {}", where, with_article(settings.type_name())), ""});
    return {};
  }
  return Canonicalizer(where, settings.origin, problems).table(*table, settings.origin, schema, "");
}

std::vector<std::string> secret_names(const json::object& canonical, const Schema& schema) {
  std::set<std::string> names;
  collect(canonical, schema, names);
  return {names.begin(), names.end()};
}

}  // namespace fusebox::config
