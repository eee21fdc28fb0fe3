// SPDX-License-Identifier: Apache-2.0
#include "secrets/matcher.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

namespace fusebox::secrets {

namespace {

constexpr std::size_t filter_bits = 16384;
constexpr std::size_t shortest_literal = 4;
// A line of a value of several lines is looked for by itself from this length on.
constexpr std::size_t shortest_line = 8;

constexpr std::string_view standard_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// Of four bytes at `at`.
std::uint32_t hash_at(const char* at) {
  std::uint32_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return (word * 2654435761U) >> 18;  // 14 bits
}

// Six bits of `value` from bit `at` on.
unsigned sextet(std::string_view value, std::size_t at) {
  const std::size_t byte = at / 8;
  const unsigned high = static_cast<unsigned char>(value[byte]);
  const unsigned low = byte + 1 < value.size() ? static_cast<unsigned char>(value[byte + 1]) : 0U;
  return ((high << 8 | low) >> (10 - at % 8)) & 63U;
}

// The characters of base64 that depend on `value` alone when `offset` bytes stand before it.
Form base64_form(LockedHeap& heap, std::string_view value, std::size_t offset,
                 std::string_view alphabet) {
  const std::size_t begin = (8 * offset + 5) / 6;
  const std::size_t end = (8 * offset + 8 * value.size()) / 6;
  Form form{heap.allocate(end - begin), 0, 0};
  for (std::size_t i = begin; i < end; ++i)
    form.text.data()[i - begin] = alphabet[sextet(value, 6 * i - 8 * offset)];
  form.before = offset % 3 != 0 ? 1 : 0;
  form.after = (offset + value.size()) % 3 != 0 ? 1 : 0;
  return form;
}

void add_lines(LockedHeap& heap, std::string_view value, std::vector<Form>& forms) {
  if (value.find('\n') == std::string_view::npos) return;
  while (!value.empty()) {
    const std::size_t end = std::min(value.find('\n'), value.size());
    std::string_view line = value.substr(0, end);
    value.remove_prefix(std::min(end + 1, value.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() < shortest_line) continue;
    Form form{heap.allocate(line.size()), 0, 0};
    line.copy(form.text.data(), line.size());
    forms.push_back(std::move(form));
  }
}

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

bool is_base64(char c) { return is_word(c) || c == '+' || c == '/' || c == '-'; }

std::optional<unsigned> hex(std::string_view digits) {
  unsigned value = 0;
  for (const char c : digits) {
    unsigned digit = 0;
    if (c >= '0' && c <= '9')
      digit = static_cast<unsigned>(c - '0');
    else if (c >= 'a' && c <= 'f')
      digit = static_cast<unsigned>(c - 'a') + 10;
    else if (c >= 'A' && c <= 'F')
      digit = static_cast<unsigned>(c - 'A') + 10;
    else
      return std::nullopt;
    value = value << 4 | digit;
  }
  return value;
}

// Up to four bytes that an escape stands for; used == 0: no escape.
struct Unescaped {
  std::array<char, 4> bytes{};
  std::size_t size = 0;
  std::size_t used = 0;
};

Unescaped one(char byte, std::size_t used) { return {{byte}, 1, used}; }

std::optional<unsigned> utf16_unit(std::string_view text) {
  if (text.size() < 6 || !text.starts_with("\\u")) return std::nullopt;
  return hex(text.substr(2, 4));
}

Unescaped unicode_escape(std::string_view text) {
  const auto unit = utf16_unit(text);
  if (!unit) return {};
  unsigned code = *unit;
  std::size_t used = 6;
  if (code >= 0xD800 && code <= 0xDBFF) {
    const auto low = utf16_unit(text.substr(6));
    if (!low || *low < 0xDC00 || *low > 0xDFFF) return {};
    code = 0x10000 + ((code - 0xD800) << 10) + (*low - 0xDC00);
    used = 12;
  }
  const auto byte = [](unsigned value) { return static_cast<char>(value); };
  const auto tail = [&](unsigned shift) { return byte(0x80 | ((code >> shift) & 0x3F)); };
  if (code < 0x80) return {{byte(code)}, 1, used};
  if (code < 0x800) return {{byte(0xC0 | code >> 6), tail(0)}, 2, used};
  if (code < 0x10000) return {{byte(0xE0 | code >> 12), tail(6), tail(0)}, 3, used};
  return {{byte(0xF0 | code >> 18), tail(12), tail(6), tail(0)}, 4, used};
}

// URL encoding and JSON's escapes, at the front of `text`.
Unescaped unescape(std::string_view text) {
  if (text.front() == '+') return one(' ', 1);
  if (text.front() == '%' && text.size() >= 3) {
    if (const auto value = hex(text.substr(1, 2))) return one(static_cast<char>(*value), 3);
    return {};
  }
  if (text.front() != '\\' || text.size() < 2) return {};
  switch (text[1]) {
    case 'n':
      return one('\n', 2);
    case 't':
      return one('\t', 2);
    case 'r':
      return one('\r', 2);
    case 'b':
      return one('\b', 2);
    case 'f':
      return one('\f', 2);
    case '"':
    case '\'':
    case '/':
    case '\\':
      return one(text[1], 2);
    case 'u':
      return unicode_escape(text);
    default:
      return {};
  }
}

// How much of `text`'s front stands for `value`, any part of it escaped; 0: it does not.
std::size_t escaped_length(std::string_view text, std::string_view value) {
  std::size_t at = 0;
  while (!value.empty()) {
    if (at == text.size()) return 0;
    const Unescaped next = unescape(text.substr(at));
    if (next.used > 0 && value.starts_with(std::string_view(next.bytes.data(), next.size))) {
      value.remove_prefix(next.size);
      at += next.used;
    } else if (text[at] == value.front()) {
      value.remove_prefix(1);
      ++at;
    } else {
      return 0;
    }
  }
  return at;
}

// Joins what overlaps, under the name of the longest.
std::vector<Match> merge(std::vector<Match> matches) {
  std::sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
  });
  std::vector<Match> merged;
  std::size_t longest = 0;
  for (const Match& match : matches) {
    const std::size_t length = match.end - match.begin;
    if (merged.empty() || match.begin >= merged.back().end) {
      merged.push_back(match);
      longest = length;
      continue;
    }
    merged.back().end = std::max(merged.back().end, match.end);
    if (length > longest) {
      longest = length;
      merged.back().secret = match.secret;
    }
  }
  return merged;
}

}  // namespace

std::shared_ptr<const Secret> make_secret(LockedHeap& heap, std::string_view name,
                                          std::string_view value) {
  auto secret = std::make_shared<Secret>();
  secret->name = name;
  secret->value = heap.allocate(value.size());
  value.copy(secret->value.data(), value.size());
  if (value.size() < short_value) return secret;
  for (std::size_t offset = 0; offset < 3; ++offset) {
    Form standard = base64_form(heap, value, offset, standard_alphabet);
    const std::string_view text(standard.text.data(), standard.text.size());
    if (text.find_first_of("+/") != std::string_view::npos)
      secret->forms.push_back(base64_form(heap, value, offset, url_alphabet));
    secret->forms.push_back(std::move(standard));
  }
  add_lines(heap, value, secret->forms);
  return secret;
}

Matcher::Matcher(LockedHeap& heap, std::vector<std::shared_ptr<const Secret>> secrets)
    : secrets_(std::move(secrets)), filter_(heap.allocate(filter_bits / 8)) {
  for (const auto& secret : secrets_) {
    const std::string_view value = secret->view();
    if (value.empty()) continue;
    if (value.size() < short_value) {
      words_.push_back(secret.get());
      continue;
    }
    add_literal(value, 0, 0, *secret);
    by_first_[static_cast<unsigned char>(value.front())].push_back(secret.get());
    for (const Form& form : secret->forms)
      add_literal({form.text.data(), form.text.size()}, form.before, form.after, *secret);
  }
}

void Matcher::add_literal(std::string_view text, std::uint8_t before, std::uint8_t after,
                          const Secret& secret) {
  const std::uint32_t hash = hash_at(text.data());
  char& byte = filter_.data()[hash / 8];
  byte = static_cast<char>(byte | (1 << (hash % 8)));
  by_hash_[hash & 255U].push_back(static_cast<std::uint32_t>(literals_.size()));
  literals_.push_back({text, before, after, &secret});
}

std::vector<Match> Matcher::find(std::string_view text) const {
  std::vector<Match> matches;
  if (!literals_.empty()) {
    find_literals(text, matches);
    if (text.find_first_of("%\\+") != std::string_view::npos) find_escaped(text, matches);
  }
  find_words(text, matches);
  return matches.empty() ? matches : merge(std::move(matches));
}

void Matcher::find_literals(std::string_view text, std::vector<Match>& matches) const {
  for (std::size_t at = 0; at + shortest_literal <= text.size(); ++at) {
    const std::uint32_t hash = hash_at(text.data() + at);
    if ((filter_.data()[hash / 8] >> (hash % 8) & 1) == 0) continue;
    for (const std::uint32_t index : by_hash_[hash & 255U]) {
      const Literal& literal = literals_[index];
      if (!text.substr(at).starts_with(literal.text)) continue;
      std::size_t begin = at;
      std::size_t end = at + literal.text.size();
      if (literal.before > 0 && begin > 0 && is_base64(text[begin - 1])) --begin;
      if (literal.after > 0 && end < text.size() && is_base64(text[end])) ++end;
      matches.push_back({begin, end, literal.secret});
    }
  }
}

void Matcher::find_escaped(std::string_view text, std::vector<Match>& matches) const {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto try_all = [&](char first) {
      for (const Secret* secret : by_first_[static_cast<unsigned char>(first)])
        if (const std::size_t length = escaped_length(text.substr(at), secret->view()))
          matches.push_back({at, at + length, secret});
    };
    const Unescaped next = unescape(text.substr(at));
    if (next.used > 0) try_all(next.bytes[0]);
    if (next.used == 0 || next.bytes[0] != text[at]) try_all(text[at]);
  }
}

void Matcher::find_words(std::string_view text, std::vector<Match>& matches) const {
  for (const Secret* secret : words_) {
    const std::string_view value = secret->view();
    for (std::size_t at = text.find(value); at != std::string_view::npos;
         at = text.find(value, at + 1)) {
      const std::size_t end = at + value.size();
      const bool whole = (at == 0 || !is_word(text[at - 1]) || !is_word(value.front())) &&
                         (end == text.size() || !is_word(text[end]) || !is_word(value.back()));
      if (whole) matches.push_back({at, end, secret});
    }
  }
}

}  // namespace fusebox::secrets
