// SPDX-License-Identifier: Apache-2.0
// TOML read as gitleaks reads it: keys in any case, unknown ones ignored, values converted where
// that makes sense ("3.5" is a number, "a,b" a list).
#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::scan {

// "file:line:column".
std::string place_of(const toml::node& node, std::string_view file);

struct PlacedText {
  std::string text;
  std::string place;
};

// A table of a file. Throws RulesError where a value does not convert.
class TomlView {
 public:
  TomlView(const toml::table& table, std::string_view file) : table_(&table), file_(file) {}

  std::string text(std::string_view key) const;  // "": not there
  PlacedText placed(std::string_view key) const;
  std::optional<std::int64_t> integer(std::string_view key) const;
  double number(std::string_view key) const;  // 0: not there
  bool flag(std::string_view key) const;
  std::vector<PlacedText> list(std::string_view key) const;
  std::optional<TomlView> table(std::string_view key) const;
  // An array of tables; one table stands for an array of one.
  std::vector<TomlView> tables(std::string_view key) const;
  std::string place() const { return place_of(*table_, file_); }
  std::string_view file() const { return file_; }

 private:
  const toml::node* find(std::string_view key) const;
  [[noreturn]] void refuse(const toml::node& node, std::string_view key,
                           std::string_view wanted) const;

  const toml::table* table_;
  std::string_view file_;
};

// Throws RulesError for what is no TOML.
toml::table parse_toml(std::string_view text, const std::string& file);

}  // namespace fusebox::scan
