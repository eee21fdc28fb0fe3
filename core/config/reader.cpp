// SPDX-License-Identifier: Apache-2.0
#include "config/reader.hpp"

#include "config/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace fusebox::config {
namespace {

// More keys than this do not help who looks for one.
constexpr std::size_t most_listed = 8;

}  // namespace

std::string in_where(std::string_view where) {
  return where.empty() ? "at the top level" : fmt::format("in {}", where);
}

std::string with_article(std::string_view noun) {
  const bool vowel =
      !noun.empty() && std::string_view("aeiou").find(noun.front()) != std::string_view::npos;
  return fmt::format("{} {}", vowel ? "an" : "a", noun);
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const auto near = nearest(word, candidates);
  return near ? fmt::format("did you mean {}?", quote(*near)) : std::string();
}

Problem unknown_key(const Origin& origin, std::string_view path, std::string_view key,
                    std::string_view where, const std::vector<std::string>& known) {
  std::string hint = did_you_mean(key, known);
  if (hint.empty() && !known.empty() && known.size() <= most_listed) {
    hint = fmt::format("known: {}", fmt::join(known, ", "));
  }
  return {origin, fmt::format("unknown key {} {}", quote(path), in_where(where)), std::move(hint)};
}

Problem wrong_type(const Value& value, std::string_view key, std::string_view where,
                   std::string_view wanted, std::string hint) {
  return {value.origin,
          fmt::format("{} {} must be {}, not {}", quote(key), in_where(where), with_article(wanted),
                      with_article(value.type_name())),
          std::move(hint)};
}

TableReader::TableReader(const Table& table, const Origin& origin, std::string where,
                         std::vector<Problem>& problems)
    : table_(table), origin_(origin), where_(std::move(where)), problems_(problems) {}

void TableReader::problem(const Origin& origin, std::string what, std::string hint) {
  problems_.push_back({origin, std::move(what), std::move(hint)});
}

const Value* TableReader::any(std::string_view key) {
  if (std::ranges::find(known_, key) == known_.end()) known_.emplace_back(key);
  return table_.find(key);
}

template <class T>
const T* TableReader::typed(std::string_view key, std::string_view wanted) {
  const Value* value = any(key);
  if (value == nullptr) return nullptr;
  const T* found = value->get_if<T>();
  if (found == nullptr) problems_.push_back(wrong_type(*value, key, where_, wanted));
  return found;
}

const std::string* TableReader::text(std::string_view key) {
  return typed<std::string>(key, "string");
}
const bool* TableReader::boolean(std::string_view key) { return typed<bool>(key, "boolean"); }
const std::int64_t* TableReader::integer(std::string_view key) {
  return typed<std::int64_t>(key, "integer");
}
const List* TableReader::list(std::string_view key) { return typed<List>(key, "list"); }
const Table* TableReader::table(std::string_view key) { return typed<Table>(key, "table"); }

const std::string* TableReader::text(std::string_view key, bool (*good)(std::string_view),
                                     std::string_view form) {
  const std::string* found = text(key);
  if (found == nullptr || good(*found)) return found;
  problem(table_.find(key)->origin,
          fmt::format("\"{}\" {} must not be {}", key, in_where(where_), quote(*found)),
          std::string(form));
  return nullptr;
}

const std::string* TableReader::required_text(std::string_view key, std::string_view example) {
  const Value* value = any(key);
  if (value == nullptr) {
    problem(origin_, fmt::format("{} has no \"{}\"", where_.empty() ? "the file" : where_, key),
            fmt::format("write {}", example));
    return nullptr;
  }
  const std::string* found = text(key);
  if (found != nullptr && found->empty()) {
    problem(value->origin, fmt::format("\"{}\" {} is empty", key, in_where(where_)),
            fmt::format("write {}", example));
    return nullptr;
  }
  return found;
}

std::vector<std::string> TableReader::texts(std::string_view key) {
  std::vector<std::string> found;
  const List* elements = list(key);
  if (elements == nullptr) return found;
  for (std::size_t i = 0; i < elements->size(); ++i) {
    const Value& element = (*elements)[i];
    if (const std::string* word = element.get_if<std::string>()) {
      found.push_back(*word);
    } else {
      problems_.push_back(wrong_type(element, fmt::format("{}[{}]", key, i), where_, "string"));
    }
  }
  return found;
}

std::optional<std::int64_t> TableReader::duration(std::string_view key) {
  const Value* value = any(key);
  if (value == nullptr) return std::nullopt;
  const auto* written = value->get_if<std::string>();
  const auto parsed = written == nullptr ? std::nullopt : parse_duration(*written);
  if (!parsed) {
    problem(value->origin, fmt::format("\"{}\" {} is not a duration", key, in_where(where_)),
            R"(write "500ms", "90s", "10m" or "1h30m")");
  }
  return parsed;
}

void TableReader::finish() {
  for (const auto& [key, value] : table_) {
    if (std::ranges::find(known_, key) == known_.end()) {
      problems_.push_back(unknown_key(value.origin, key, key, where_, known_));
    }
  }
}

}  // namespace fusebox::config
