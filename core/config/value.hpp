// SPDX-License-Identifier: Apache-2.0
// A configuration value that knows where it came from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace fusebox::config {

// Where a value was written. `source` is a file's path as the user would type it, "--set",
// "FUSEBOX_..." or "default"; line and column start at 1, and are 0 where they mean nothing. A
// member of a table stands where its key stands.
struct Origin {
  std::string source;
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  // "fusebox.toml:12:3", or just the source.
  std::string str() const;
};

struct Value;
using List = std::vector<Value>;

// A table in the order in which it was written.
class Table {
 public:
  using Member = std::pair<std::string, Value>;

  Value* find(std::string_view key);
  const Value* find(std::string_view key) const;
  // Adds `key`, or replaces its value in place.
  Value& set(std::string key, Value value);
  // Adds a key that is known to be new.
  Value& append(std::string key, Value value);
  bool erase(std::string_view key);
  void reserve(std::size_t members);
  std::vector<Member>::const_iterator begin() const;
  std::vector<Member>::const_iterator end() const;
  std::vector<Member>::iterator begin();
  std::vector<Member>::iterator end();
  bool empty() const;
  std::size_t size() const;

 private:
  std::vector<Member> members_;
};

// Dates and times of TOML are kept as strings in their RFC 3339 form.
struct Value {
  std::variant<bool, std::int64_t, double, std::string, List, Table> data = false;
  Origin origin;

  template <class T>
  const T* get_if() const {
    return std::get_if<T>(&data);
  }
  template <class T>
  T* get_if() {
    return std::get_if<T>(&data);
  }
  // "string", "integer", "table", ... for error texts.
  std::string_view type_name() const;
};

// Gives `value` and all within it one origin.
void set_origin(Value& value, const Origin& origin);

// Only here is a member's type complete.
inline std::vector<Table::Member>::const_iterator Table::begin() const { return members_.begin(); }
inline std::vector<Table::Member>::const_iterator Table::end() const { return members_.end(); }
inline std::vector<Table::Member>::iterator Table::begin() { return members_.begin(); }
inline std::vector<Table::Member>::iterator Table::end() { return members_.end(); }
inline bool Table::empty() const { return members_.empty(); }
inline std::size_t Table::size() const { return members_.size(); }

}  // namespace fusebox::config
