// SPDX-License-Identifier: Apache-2.0
// What a plugin's manifest says about its settings, and the check of settings against it.
#pragma once

#include "config/value.hpp"

#include <boost/json/fwd.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fusebox::config {

// One thing wrong with a configuration.
struct Problem {
  Origin origin;
  std::string what;
  std::string hint;

  // "fusebox.toml:12:3: what (hint)"
  std::string str() const;
};

// A field's type, as a manifest writes it.
//   string    text
//   template  text in which ${secret:NAME} stands for a secret's value
//   secret    { secret = "NAME" }: a handle, never a value
//   integer, number, boolean
//   port      integer 1..65535
//   duration  "500ms", "90s", "10m", "1h30m", "2d"; canonical JSON holds milliseconds
//   size      "64KiB", "10MB", "2GiB", or a number of bytes; canonical JSON holds bytes
//   path      text; "~" and a path relative to the file it stands in become absolute
//   list      of `of`
//   map       of `of`, with keys that the user chooses
//   table     with `fields`
enum class FieldType {
  string,
  template_text,
  secret,
  integer,
  number,
  boolean,
  port,
  duration,
  size,
  path,
  list,
  map,
  table
};

struct Field {
  FieldType type = FieldType::string;
  std::string description;
  bool required = false;
  std::optional<Value> default_value;
  std::vector<std::string> choices;     // string: the allowed values; empty: any
  std::unique_ptr<Field> of;            // list, map
  std::map<std::string, Field> fields;  // table
};
using Schema = std::map<std::string, Field>;

// Reads a schema as a manifest writes it: `[config.<name>] type = ..., required, default,
// choices, of, fields, description`. `of` is a type's name, or a table that describes a field.
// Throws ConfigError with every problem.
Schema read_schema(const Value& table);
// The same, with what is wrong going to `problems`; `where` names the table: "[verbs.up.options]".
Schema read_schema(const Value& table, std::string_view where, std::vector<Problem>& problems);

// Checks `settings` against `schema` and returns them as canonical JSON: every field that has a
// default is there (a table without one stays away), durations are milliseconds, sizes bytes, paths
// absolute, a secret handle is
// {"$secret":"NAME"}. What is wrong goes to `problems`, all of it; `where` names the thing in
// texts: "[plugins.web]".
boost::json::object canonicalize(const Value& settings, const Schema& schema,
                                 std::string_view where, std::vector<Problem>& problems);

// The names of all secrets that canonical settings refer to, by handle or by ${secret:NAME}.
std::vector<std::string> secret_names(const boost::json::object& canonical, const Schema& schema);

// The candidate nearest to `word`, when it is near enough to be meant.
std::optional<std::string> nearest(std::string_view word,
                                   const std::vector<std::string>& candidates);

// "90s", "1h30m" -> milliseconds; nothing when it is not a duration. Likewise sizes -> bytes.
std::optional<std::int64_t> parse_duration(std::string_view text);
std::optional<std::int64_t> parse_size(std::string_view text);

}  // namespace fusebox::config
