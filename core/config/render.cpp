// SPDX-License-Identifier: Apache-2.0
#include "config/render.hpp"

#include "util/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <cmath>
#include <functional>
#include <vector>

namespace fusebox::config {
namespace {

namespace json = boost::json;

// Beyond this, a long value does not push the origins of all others to the right.
constexpr std::size_t widest = 72;

std::string toml_string(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        quoted += "\\\"";
        break;
      case '\\':
        quoted += "\\\\";
        break;
      case '\n':
        quoted += "\\n";
        break;
      case '\t':
        quoted += "\\t";
        break;
      case '\r':
        quoted += "\\r";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          quoted += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        } else {
          quoted += c;
        }
    }
  }
  return quoted + '"';
}

std::string toml_key(const std::string& key) {
  const bool bare = !key.empty() && std::ranges::all_of(key, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
  });
  return bare ? key : toml_string(key);
}

std::string toml_number(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  std::string text = fmt::format("{}", number);
  // 2 and 2e20 would be read as an integer, or not at all by some readers.
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string toml_list(const List& list) {
  std::string text;
  for (const Value& element : list) {
    text += text.empty() ? "" : ", ";
    text += to_toml(element);
  }
  return "[" + text + "]";
}

std::string toml_table(const Table& table) {
  std::string text;
  for (const auto& [key, member] : table) {
    text += text.empty() ? " " : ", ";
    text += fmt::format("{} = {}", toml_key(key), to_toml(member));
  }
  return "{" + text + (text.empty() ? "}" : " }");
}

using Visit = std::function<void(const std::string& key, const Value& leaf)>;

void each_leaf(const Table& table, const std::string& prefix, const Visit& visit) {
  for (const auto& [key, member] : table) {
    const std::string path = prefix.empty() ? toml_key(key) : prefix + "." + toml_key(key);
    const Table* inner = member.get_if<Table>();
    if (inner != nullptr && !inner->empty()) {
      each_leaf(*inner, path, visit);
    } else {
      visit(path, member);
    }
  }
}

}  // namespace

std::string to_toml(const Value& value) {
  if (const auto* yes = value.get_if<bool>()) return *yes ? "true" : "false";
  if (const auto* whole = value.get_if<std::int64_t>()) return fmt::format("{}", *whole);
  if (const auto* number = value.get_if<double>()) return toml_number(*number);
  if (const auto* text = value.get_if<std::string>()) return toml_string(*text);
  if (const auto* list = value.get_if<List>()) return toml_list(*list);
  return toml_table(*value.get_if<Table>());
}

std::string render_with_origins(const Value& root) {
  const Table* table = root.get_if<Table>();
  if (table == nullptr) return {};
  std::vector<std::pair<std::string, std::string>> lines;
  std::size_t width = 0;
  each_leaf(*table, "", [&](const std::string& key, const Value& leaf) {
    std::string line = fmt::format("{} = {}", key, to_toml(leaf));
    const std::size_t columns = util::display_width(line);
    if (columns <= widest) width = std::max(width, columns);
    lines.emplace_back(std::move(line), leaf.origin.str());
  });
  std::string text;
  for (const auto& [line, origin] : lines) {
    text += fmt::format("{}  # {}\n", util::pad_right(line, width), util::sanitize_line(origin));
  }
  return text;
}

json::array origins_json(const Value& root) {
  json::array leaves;
  const Table* table = root.get_if<Table>();
  if (table == nullptr) return leaves;
  each_leaf(*table, "", [&](const std::string& key, const Value& leaf) {
    json::object entry{{"key", key}, {"value", to_json(leaf)}, {"source", leaf.origin.source}};
    if (leaf.origin.line != 0) {
      entry.emplace("line", leaf.origin.line);
      entry.emplace("column", leaf.origin.column);
    }
    leaves.emplace_back(std::move(entry));
  });
  return leaves;
}

json::value to_json(const Value& value) {
  if (const auto* yes = value.get_if<bool>()) return *yes;
  if (const auto* whole = value.get_if<std::int64_t>()) return *whole;
  if (const auto* text = value.get_if<std::string>()) return json::value(*text);
  if (const auto* number = value.get_if<double>()) {
    if (std::isfinite(*number)) return *number;
    return json::value(toml_number(*number));
  }
  if (const auto* list = value.get_if<List>()) {
    json::array array;
    for (const Value& element : *list) array.push_back(to_json(element));
    return array;
  }
  json::object object;
  for (const auto& [key, member] : *value.get_if<Table>()) object.emplace(key, to_json(member));
  return object;
}

}  // namespace fusebox::config
