// SPDX-License-Identifier: Apache-2.0
#include "engine/regex.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>

namespace fusebox::scan {

namespace {

// What RE2 may use for one expression. Nearly all fit the first; a rule of the user's may need
// more.
constexpr std::array<std::int64_t, 3> kBudgets = {8LL << 20, 64LL << 20, 256LL << 20};

// The end of the character class that begins at `at`.
std::size_t class_end(std::string_view pattern, std::size_t at) {
  std::size_t i = at + 1;
  if (i < pattern.size() && pattern[i] == '^') ++i;
  if (i < pattern.size() && pattern[i] == ']') ++i;
  for (; i < pattern.size() && pattern[i] != ']'; ++i) {
    if (pattern[i] == '\\') {
      ++i;
    } else if (pattern.substr(i, 2) == "[:") {
      const std::size_t close = pattern.find(":]", i + 2);
      if (close != std::string_view::npos) i = close + 1;
    }
  }
  return std::min(i + 1, pattern.size());
}

// (?<name> is of Go 1.22 and later; RE2 knows (?P<name>. \C is RE2's alone.
std::string translated(std::string_view pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size();) {
    std::size_t end = i + 1;
    if (pattern[i] == '\\') {
      end = std::min(i + 2, pattern.size());
      if (pattern.substr(i, 2) == "\\C")
        throw std::invalid_argument("invalid escape sequence: \\C");
      if (pattern.substr(i, 2) == "\\Q") end = std::min(pattern.find("\\E", i), pattern.size());
    } else if (pattern[i] == '[') {
      end = class_end(pattern, i);
    } else if (pattern.substr(i, 3) == "(?<") {
      out += "(?P<";
      i += 3;
      continue;
    }
    out += pattern.substr(i, end - i);
    i = end;
  }
  return out;
}

// Match() takes a piece of its own type, which newer versions make a std::string_view.
using Piece = re2::StringPiece;

Piece piece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

std::unique_ptr<re2::RE2> compile_regex(std::string_view pattern) {
  const std::string spelled = translated(pattern);
  std::unique_ptr<re2::RE2> regex;
  for (const std::int64_t budget : kBudgets) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(budget);
    regex = std::make_unique<re2::RE2>(piece(spelled), options);
    if (regex->error_code() != re2::RE2::ErrorPatternTooLarge) break;
  }
  if (!regex->ok()) throw std::invalid_argument(regex->error());
  return regex;
}

void for_each_match(const re2::RE2& regex, const Subject& subject,
                    const std::function<void(Span)>& take) {
  const Piece text = piece(subject.text());
  std::size_t at = 0;
  std::size_t previous_end = std::string_view::npos;
  while (at <= text.size()) {
    Piece match;
    if (!regex.Match(text, at, text.size(), re2::RE2::UNANCHORED, &match, 1)) return;
    const auto begin = static_cast<std::size_t>(match.data() - text.data());
    const std::size_t end = begin + match.size();
    const bool is_taken = end != at || begin != previous_end;
    if (end == at) {
      at += at < text.size() ? first_rune(subject.text().substr(at)).size : 1;
    } else {
      at = end;
    }
    previous_end = end;
    if (is_taken) take({subject.to_raw(begin), subject.to_raw(end)});
  }
}

bool matches(const re2::RE2& regex, std::string_view text) {
  const Subject subject(text);
  return regex.Match(piece(subject.text()), 0, subject.text().size(), re2::RE2::UNANCHORED, nullptr,
                     0);
}

std::vector<std::string_view> first_groups(const re2::RE2& regex, const Subject& subject) {
  const Piece text = piece(subject.text());
  std::vector<Piece> groups(static_cast<std::size_t>(regex.NumberOfCapturingGroups()) + 1);
  if (!regex.Match(text, 0, text.size(), re2::RE2::UNANCHORED, groups.data(),
                   static_cast<int>(groups.size())))
    return {};
  std::vector<std::string_view> found;
  for (const Piece& group : groups) {
    if (group.data() == nullptr) {
      found.emplace_back();
      continue;
    }
    const auto begin = static_cast<std::size_t>(group.data() - text.data());
    const std::size_t from = subject.to_raw(begin);
    found.push_back(subject.raw().substr(from, subject.to_raw(begin + group.size()) - from));
  }
  return found;
}

}  // namespace fusebox::scan
