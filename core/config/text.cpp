// SPDX-License-Identifier: Apache-2.0
#include "config/text.hpp"

#include "config/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <limits>

namespace fusebox::config {
namespace {

constexpr std::size_t longest_quote = 80;
constexpr std::string_view lower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view digits = "0123456789";

bool in(std::string_view set, char c) { return set.find(c) != std::string_view::npos; }

bool any_of(char c, std::initializer_list<std::string_view> sets) {
  return std::ranges::any_of(sets, [c](std::string_view set) { return in(set, c); });
}

char fold(char c) {
  if (c == '_') return '-';
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

// Optimal string alignment: insert, delete, replace and swap cost one each.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> now(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = fold(a[i - 1]) == fold(b[j - 1]);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (same ? 0U : 1U)});
      if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) && fold(a[i - 2]) == fold(b[j - 1])) {
        now[j] = std::min(now[j], before[j - 2] + 1);
      }
    }
    before.swap(last);
    last.swap(now);
  }
  return last[b.size()];
}

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

// The number at the start of `text`, cut off from it; nothing when there is none or it is too big.
std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t number = 0;
  if (text.empty() || !in(digits, text.front())) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

// The unit at the start of `text`, cut off from it. Names are letters, so the whole run counts.
std::optional<std::int64_t> take_unit(std::string_view& text, std::span<const Unit> units) {
  const auto end = std::ranges::find_if(
      text, [](char c) { return std::isalpha(static_cast<unsigned char>(c)) == 0; });
  const std::string_view name = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  const auto unit = std::ranges::find(units, name, &Unit::name);
  if (unit == units.end()) return std::nullopt;
  text.remove_prefix(name.size());
  return unit->factor;
}

std::optional<std::int64_t> scaled(std::int64_t number, std::int64_t factor) {
  if (number > std::numeric_limits<std::int64_t>::max() / factor) return std::nullopt;
  return number * factor;
}

}  // namespace

std::string quote(std::string_view text) {
  std::size_t end = std::min(text.size(), longest_quote);
  // Cut between characters of UTF-8, not within one.
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) {
    --end;
  }
  std::string quoted = "\"";
  for (const char c : text.substr(0, end)) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      quoted += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + (end < text.size() ? "...\"" : "\"");
}

std::string quote_all(std::span<const std::string> words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ", ";
    text += quote(word);
  }
  return text;
}

bool is_name(std::string_view text) {
  return !text.empty() && in(lower, text.front()) && std::ranges::all_of(text, [](char c) {
    return any_of(c, {lower, digits, "-"});
  });
}

bool is_stack_name(std::string_view text) {
  return !text.empty() && any_of(text.front(), {lower, digits}) &&
         std::ranges::all_of(text, [](char c) {
           return any_of(c, {lower, digits, "_-"});
         });
}

bool is_secret_name(std::string_view text) {
  constexpr std::string_view upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return !text.empty() && !in(digits, text.front()) && std::ranges::all_of(text, [&](char c) {
    return any_of(c, {upper, lower, digits, "_"});
  });
}

bool is_interface_id(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view revision = text.substr(slash + 1);
  if (revision.empty() || revision.size() > 4 || revision.front() == '0' ||
      revision.find_first_not_of(digits) != std::string_view::npos) {
    return false;
  }
  std::string_view name = text.substr(0, slash);
  std::size_t parts = 0;
  while (true) {
    const std::size_t dot = name.find('.');
    if (!is_name(name.substr(0, dot))) return false;
    ++parts;
    if (dot == std::string_view::npos) return parts >= 2;
    name.remove_prefix(dot + 1);
  }
}

std::optional<std::string> secret_handle(const Value& value) {
  const Table* table = value.get_if<Table>();
  if (table == nullptr || table->size() != 1) return std::nullopt;
  const Value* name = table->find("secret");
  if (name == nullptr || name->get_if<std::string>() == nullptr) return std::nullopt;
  return *name->get_if<std::string>();
}

std::filesystem::path resolve_path(std::string_view text, const Origin& origin,
                                   const Origin& fallback) {
  namespace fs = std::filesystem;
  if (text == "~" || text.starts_with("~/")) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing in the core writes the environment
    const char* home = std::getenv("HOME");
    if (home != nullptr)
      return (fs::path(home) / text.substr(std::min<std::size_t>(2, text.size())))
          .lexically_normal();
  }
  const fs::path path(text);
  if (path.is_absolute()) return path.lexically_normal();
  // Who types a flag means the folder he is in.
  const bool typed = origin.line == 0 && origin.source == "--set";
  const Origin& base = origin.line != 0 || typed ? origin : fallback;
  const fs::path folder = base.line != 0 ? fs::path(base.source).parent_path() : fs::path();
  return (fs::absolute(folder.empty() ? fs::path(".") : folder) / path).lexically_normal();
}

std::optional<std::string> nearest(std::string_view word,
                                   const std::vector<std::string>& candidates) {
  const std::string* best = nullptr;
  // A third of the letters may be wrong: "prot" means "port", "xyz" means nothing.
  std::size_t limit = std::clamp<std::size_t>(word.size() / 3, 1, 3) + 1;
  if (word.size() > 2 * longest_quote) return std::nullopt;
  for (const std::string& candidate : candidates) {
    const std::size_t far = distance(word, candidate);
    if (far < limit && far < std::max(word.size(), candidate.size())) {
      best = &candidate;
      limit = far;
    }
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

std::optional<std::int64_t> parse_duration(std::string_view text) {
  static constexpr std::array<Unit, 5> units = {
      {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  std::int64_t previous = std::numeric_limits<std::int64_t>::max();
  while (!text.empty()) {
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    const auto factor = take_unit(text, units);
    if (!factor || *factor >= previous) return std::nullopt;
    const auto part = scaled(*number, *factor);
    if (!part || *part > std::numeric_limits<std::int64_t>::max() - total) return std::nullopt;
    total += *part;
    previous = *factor;
  }
  return total;
}

std::optional<std::int64_t> parse_size(std::string_view text) {
  static constexpr std::int64_t kib = 1024;
  static constexpr std::array<Unit, 11> units = {{{"", 1},
                                                  {"B", 1},
                                                  {"kB", 1000},
                                                  {"KB", 1000},
                                                  {"MB", 1'000'000},
                                                  {"GB", 1'000'000'000},
                                                  {"TB", 1'000'000'000'000},
                                                  {"KiB", kib},
                                                  {"MiB", kib * kib},
                                                  {"GiB", kib * kib * kib},
                                                  {"TiB", kib * kib * kib * kib}}};
  const auto number = take_number(text);
  if (!number) return std::nullopt;
  const auto factor = take_unit(text, units);
  if (!factor || !text.empty()) return std::nullopt;
  return scaled(*number, *factor);
}

}  // namespace fusebox::config
