// SPDX-License-Identifier: Apache-2.0
#include "engine/toml_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "engine/rules.hpp"

namespace fusebox::scan {

namespace {

constexpr std::size_t kDeepest = 64;
constexpr std::size_t kLargest = 16U << 20U;

std::string at(std::string_view file, toml::source_position where) {
  return fmt::format("{}:{}:{}", file, where.line, where.column);
}

// The parser recurses into brackets and dotted keys: a key of a megabyte of dots would overflow the
// stack. Strings and comments do not count.
class NestingGuard {
 public:
  NestingGuard(std::string_view text, std::string_view file) : text_(text), file_(file) {}

  void run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        skip_string(c);
      } else if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else {
        count(c);
        ++at_;
      }
    }
  }

 private:
  void count(char c) {
    if (c == '\n') {
      ++line_;
      dots_ = 0;
    }
    dots_ += c == '.' ? 1 : 0;
    if (c == '[' || c == '{') ++open_;
    if ((c == ']' || c == '}') && open_ > 0) --open_;
    if (dots_ > kDeepest || open_ > kDeepest)
      throw RulesError(
          fmt::format("{}:{}:1: nested deeper than {} levels", file_, line_, kDeepest));
  }

  void skip_string(char quote) {
    const std::string three(3, quote);
    const bool is_long = text_.substr(at_, 3) == three;
    at_ += is_long ? 3 : 1;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\\' && quote == '"') {
        ++at_;
      } else if (is_long ? text_.substr(at_, 3) == three : c == quote) {
        at_ += is_long ? 3 : 1;
        return;
      } else if (c == '\n') {
        ++line_;
        if (!is_long) return;
      }
    }
  }

  std::string_view text_;
  std::string_view file_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t dots_ = 0;
  std::size_t open_ = 0;
};

std::optional<std::string> as_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* whole = node.as_integer()) return fmt::format("{}", whole->get());
  if (const auto* real = node.as_floating_point()) return fmt::format("{}", real->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "1" : "0";
  return std::nullopt;
}

template <class Number>
std::optional<Number> parsed(const std::string& text) {
  if (text.empty()) return Number{};
  if constexpr (std::is_floating_point_v<Number>) {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (end == text.c_str() + text.size()) return value;
  } else {
    Number value{};
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, value);
    if (result.ec == std::errc() && result.ptr == end) return value;
  }
  return std::nullopt;
}

}  // namespace

std::string place_of(const toml::node& node, std::string_view file) {
  return at(file, node.source().begin);
}

const toml::node* TomlView::find(std::string_view key) const {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  for (const auto& [name, node] : *table_)
    if (std::ranges::equal(name.str(), key, {}, lower, lower)) return &node;
  return nullptr;
}

void TomlView::refuse(const toml::node& node, std::string_view key, std::string_view wanted) const {
  throw RulesError(fmt::format("{}: \"{}\" is no {}", place_of(node, file_), key, wanted));
}

PlacedText TomlView::placed(std::string_view key) const {
  const toml::node* node = find(key);
  if (node == nullptr) return {};
  const auto text = as_text(*node);
  if (!text) refuse(*node, key, "text");
  return {*text, place_of(*node, file_)};
}

std::string TomlView::text(std::string_view key) const { return placed(key).text; }

std::optional<std::int64_t> TomlView::integer(std::string_view key) const {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  if (const auto* whole = node->as_integer()) return whole->get();
  if (const auto* real = node->as_floating_point()) return static_cast<std::int64_t>(real->get());
  if (const auto* flag = node->as_boolean()) return flag->get() ? 1 : 0;
  if (const auto* text = node->as_string())
    if (const auto value = parsed<std::int64_t>(text->get())) return value;
  refuse(*node, key, "whole number");
}

double TomlView::number(std::string_view key) const {
  const toml::node* node = find(key);
  if (node == nullptr) return 0;
  if (const auto* real = node->as_floating_point()) return real->get();
  if (const auto* whole = node->as_integer()) return static_cast<double>(whole->get());
  if (const auto* flag = node->as_boolean()) return flag->get() ? 1 : 0;
  if (const auto* text = node->as_string())
    if (const auto value = parsed<double>(text->get())) return *value;
  refuse(*node, key, "number");
}

bool TomlView::flag(std::string_view key) const {
  const toml::node* node = find(key);
  if (node == nullptr) return false;
  if (const auto* flag = node->as_boolean()) return flag->get();
  if (const auto* whole = node->as_integer()) return whole->get() != 0;
  if (const auto* text = node->as_string()) {
    const std::string& word = text->get();
    for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"})
      if (word == yes) return true;
    for (const char* no : {"", "0", "f", "F", "false", "FALSE", "False"})
      if (word == no) return false;
  }
  refuse(*node, key, "boolean");
}

std::vector<PlacedText> TomlView::list(std::string_view key) const {
  const toml::node* node = find(key);
  if (node == nullptr) return {};
  std::vector<PlacedText> items;
  if (const auto* text = node->as_string()) {
    std::string_view rest = text->get();
    while (!rest.empty()) {
      const std::size_t comma = rest.find(',');
      items.push_back({std::string(rest.substr(0, comma)), place_of(*node, file_)});
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
      if (rest.empty()) items.push_back({"", place_of(*node, file_)});
    }
    return items;
  }
  const auto* array = node->as_array();
  if (array == nullptr) {
    const auto text = as_text(*node);
    if (!text) refuse(*node, key, "list of texts");
    return {{*text, place_of(*node, file_)}};
  }
  for (const toml::node& item : *array) {
    const auto text = as_text(item);
    if (!text) refuse(item, key, "list of texts");
    items.push_back({*text, place_of(item, file_)});
  }
  return items;
}

std::optional<TomlView> TomlView::table(std::string_view key) const {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  const auto* table = node->as_table();
  if (table == nullptr) refuse(*node, key, "table");
  return TomlView(*table, file_);
}

std::vector<TomlView> TomlView::tables(std::string_view key) const {
  const toml::node* node = find(key);
  if (node == nullptr) return {};
  std::vector<TomlView> found;
  if (const auto* table = node->as_table()) {
    if (!table->empty()) found.emplace_back(*table, file_);
    return found;
  }
  const auto* array = node->as_array();
  if (array == nullptr) refuse(*node, key, "array of tables");
  for (const toml::node& item : *array) {
    const auto* table = item.as_table();
    if (table == nullptr) refuse(item, key, "array of tables");
    found.emplace_back(*table, file_);
  }
  return found;
}

toml::table parse_toml(std::string_view text, const std::string& file) {
  if (text.size() > kLargest)
    throw RulesError(fmt::format("{}:1:1: larger than {} MiB", file, kLargest >> 20U));
  NestingGuard(text, file).run();
  try {
    return toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    throw RulesError(fmt::format("{}: {}", at(file, error.source().begin), error.description()));
  }
}

}  // namespace fusebox::scan
