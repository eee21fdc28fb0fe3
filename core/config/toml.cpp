// SPDX-License-Identifier: Apache-2.0
// The only file that sees toml++: it takes seconds to compile.
#include "config/config_error.hpp"
#include "config/toml_guard.hpp"
#include "config/toml_text.hpp"
#include "util/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <tuple>

#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace fusebox::config {
namespace {

struct Hint {
  std::string_view in_text;
  std::string_view hint;
};

constexpr std::array<Hint, 14> hints = {{
    {"end-of-file (while reading a string", "close the string with the quote that opened it"},
    {"end-of-file (while reading an array", "close the list with ]"},
    {"end-of-file (while reading an inline table", "close the table with }"},
    {"redefine existing table", "write each table once, and its keys together"},
    {"cannot redefine", "a key may stand only once in its table"},
    {"cannot insert", "a table in { } is complete, add the key inside of it"},
    {"expected '='",
     "write key = value; a key with other letters than A-Z a-z 0-9 _ - needs quotes"},
    {"could not determine value type", "text needs quotes"},
    {"unknown escape sequence", "write \\\\ for one backslash, or use '...', which has no escapes"},
    {"leading zeroes", "text needs quotes"},
    {"expected value", "write a value after the ="},
    {"saw '\\n' (while reading a string", "a string ends on its line; use \"\"\" for more lines"},
    {"not representable", "integers have 64 bits; use quotes for text"},
    {"utf-8", "save the file as UTF-8"},
}};

std::string_view article(std::string_view noun) {
  return !noun.empty() && std::string_view("aeiou").find(noun.front()) != std::string_view::npos
             ? "an"
             : "a";
}

// toml++ says "Error while parsing <scope>: <reason>"; the reason first reads better.
std::string reworded(std::string_view description) {
  constexpr std::string_view prefix = "Error while parsing ";
  if (!description.starts_with(prefix)) return std::string(description);
  description.remove_prefix(prefix.size());
  const std::size_t colon = description.find(": ");
  if (colon == std::string_view::npos) return std::string(description);
  const std::string_view scope = description.substr(0, colon);
  std::string_view reason = description.substr(colon + 2);
  reason.remove_prefix(std::min(reason.find_first_not_of(' '), reason.size()));
  return fmt::format("{} (while reading {} {})", reason, article(scope), scope);
}

std::string_view hint_for(std::string_view text) {
  const auto found = std::ranges::find_if(
      hints, [&](const Hint& hint) { return text.find(hint.in_text) != std::string_view::npos; });
  return found == hints.end() ? std::string_view() : found->hint;
}

class Converter {
 public:
  explicit Converter(const std::string& source) : source_(source) {}

  Table table(const toml::table& from) const {
    // toml++ sorts by name; the places bring back the order in which the file was written.
    std::vector<std::pair<const toml::key*, const toml::node*>> members;
    members.reserve(from.size());
    for (auto&& [key, node] : from) members.emplace_back(&key, &node);
    std::ranges::sort(members, {}, [](const auto& member) {
      const auto place = member.first->source().begin;
      return std::tuple(place.line, place.column);
    });
    Table to;
    to.reserve(members.size());
    for (const auto& [key, node] : members) {
      to.append(std::string(key->str()), value(*node, origin(key->source())));
    }
    return to;
  }

 private:
  Origin origin(const toml::source_region& region) const {
    return {source_, region.begin.line, region.begin.column};
  }

  List list(const toml::array& from) const {
    List to;
    to.reserve(from.size());
    for (auto&& node : from) to.push_back(value(node, origin(node.source())));
    return to;
  }

  template <class T>
  static std::string date_text(const T& date) {
    std::ostringstream text;
    text << date;
    return text.str();
  }

  Value value(const toml::node& node, Origin where) const {
    Value to;
    to.origin = std::move(where);
    switch (node.type()) {
      case toml::node_type::table:
        to.data = table(*node.as_table());
        break;
      case toml::node_type::array:
        to.data = list(*node.as_array());
        break;
      case toml::node_type::string:
        to.data = node.as_string()->get();
        break;
      case toml::node_type::integer:
        to.data = node.as_integer()->get();
        break;
      case toml::node_type::floating_point:
        to.data = node.as_floating_point()->get();
        break;
      case toml::node_type::boolean:
        to.data = node.as_boolean()->get();
        break;
      case toml::node_type::date:
        to.data = date_text(node.as_date()->get());
        break;
      case toml::node_type::time:
        to.data = date_text(node.as_time()->get());
        break;
      case toml::node_type::date_time:
        to.data = date_text(node.as_date_time()->get());
        break;
      case toml::node_type::none:
        break;
    }
    return to;
  }

  const std::string& source_;
};

[[noreturn]] void refuse(Origin origin, std::string what, std::string_view hint) {
  throw ConfigError({{std::move(origin), std::move(what), std::string(hint)}});
}

}  // namespace

Value parse_toml(std::string_view text, const std::string& source) {
  if (text.size() > largest_text) {
    refuse({source, 0, 0}, fmt::format("{} bytes are too much", text.size()),
           fmt::format("a file may have {} bytes", largest_text));
  }
  if (const auto place = too_deep(text)) {
    refuse({source, place->line, place->column},
           fmt::format("nested deeper than {} levels", deepest), "");
  }
  try {
    const toml::table root = toml::parse(text);
    return Value{Converter(source).table(root), {source, 1, 1}};
  } catch (const toml::parse_error& error) {
    const std::string what = util::sanitize_line(reworded(error.description()));
    const toml::source_position place = error.source().begin;
    refuse({source, place.line, place.column}, what, hint_for(what));
  }
}

}  // namespace fusebox::config
