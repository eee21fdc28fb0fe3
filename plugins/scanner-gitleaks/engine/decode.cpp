// SPDX-License-Identifier: Apache-2.0
// The four encodings. What gitleaks finds with one expression, tried from left to right, is found
// here by a search of its own for each, which is ten times quicker.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>

#include "engine/codec.hpp"
#include "engine/utf8_text.hpp"

namespace fusebox::scan {

namespace {

constexpr std::size_t kNone = std::string_view::npos;
constexpr std::size_t kShortestHex = 32;
constexpr std::size_t kShortestBase64 = 16;

enum Kind : std::uint8_t {
  in_run = 1,
  hex_digit = 2,
  digit_or_sign = 4,
  digit = 8,
  printable = 16
};

constexpr std::array<std::uint8_t, 256> kKinds = [] {
  std::array<std::uint8_t, 256> kinds{};
  for (unsigned c = 0; c < 256; ++c) {
    const bool is_digit = c >= '0' && c <= '9';
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool is_sign = c == '_' || c == '/' || c == '+' || c == '-';
    unsigned kind = 0;
    if (is_digit || is_letter || is_sign) kind |= in_run;
    if (is_digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) kind |= hex_digit;
    if (is_digit || is_sign) kind |= digit_or_sign;
    if (is_digit) kind |= digit;
    if (c > 0x08 && c < 0x7F) kind |= printable;
    kinds[c] = static_cast<std::uint8_t>(kind);
  }
  return kinds;
}();

bool is(char c, Kind kind) { return (kKinds[static_cast<unsigned char>(c)] & kind) != 0; }

bool any(std::string_view text, Kind kind) {
  return std::any_of(text.begin(), text.end(), [&](char c) { return is(c, kind); });
}

bool hex_at(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return false;
  for (std::size_t i = at; i < at + count; ++i)
    if (!is(text[i], hex_digit)) return false;
  return true;
}

unsigned hex_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  return static_cast<unsigned>((c | 0x20) - 'a') + 10U;
}

unsigned hex_number(std::string_view digits) {
  unsigned value = 0;
  for (const char c : digits) value = value << 4U | hex_value(c);
  return value;
}

// The end of \uXXXX or \\uXXXX at `at`, or kNone.
std::size_t escape_end(std::string_view text, std::size_t at) {
  std::size_t i = at;
  while (i < text.size() && i < at + 2 && text[i] == '\\') ++i;
  if (i == at || i >= text.size() || (text[i] != 'u' && text[i] != 'U')) return kNone;
  return hex_at(text, i + 1, 4) ? i + 5 : kNone;
}

// The end of U+XXXX and its space at `at`, or kNone.
std::size_t code_point_end(std::string_view text, std::size_t at) {
  if (text.substr(at, 2) != "U+" || !hex_at(text, at + 2, 4)) return kNone;
  const std::size_t end = at + 6;
  if (end == text.size()) return end;
  return std::string_view(" \t\n\f\r").find(text[end]) != kNone ? end + 1 : kNone;
}

std::size_t repeated(std::string_view text, std::size_t at,
                     std::size_t (*one)(std::string_view, std::size_t)) {
  std::size_t end = kNone;
  for (std::size_t next = one(text, at); next != kNone; next = one(text, at)) {
    end = next;
    at = next;
  }
  return end;
}

class Finder {
 public:
  explicit Finder(std::string_view text)
      : text_(text),
        percent_(find_percent(0)),
        escape_(find_escape(0)),
        code_point_(find_code_point(0)),
        run_(find_run(0)) {}

  std::vector<EncodedMatch> all() {
    std::vector<EncodedMatch> found;
    for (auto match = next(); match; match = next()) {
      found.push_back(*match);
      at_ = match->span.end;
    }
    return found;
  }

 private:
  std::optional<EncodedMatch> next() {
    if (percent_ < at_) percent_ = find_percent(at_);
    if (escape_ < at_) escape_ = find_escape(at_);
    if (code_point_ < at_) code_point_ = find_code_point(at_);
    if (run_ < at_) run_ = find_run(at_);
    const std::size_t first = std::min({percent_, escape_, code_point_, run_});
    if (first == kNone) return std::nullopt;
    if (first == percent_) return EncodedMatch{percent_encoding, {first, percent_end(first)}};
    if (first == escape_)
      return EncodedMatch{unicode_encoding, {first, repeated(text_, first, escape_end)}};
    if (first == code_point_)
      return EncodedMatch{unicode_encoding, {first, repeated(text_, first, code_point_end)}};
    return run_match(first);
  }

  std::size_t find_percent(std::size_t from) const {
    for (std::size_t i = text_.find('%', from); i != kNone; i = text_.find('%', i + 1))
      if (hex_at(text_, i + 1, 2)) return i;
    return kNone;
  }
  std::size_t percent_end(std::size_t at) const {
    const std::string_view line = text_.substr(0, text_.find('\n', at));
    for (std::size_t i = line.rfind('%'); i > at; i = line.rfind('%', i - 1))
      if (hex_at(line, i + 1, 2)) return i + 3;
    return at + 3;
  }

  std::size_t find_escape(std::size_t from) const {
    for (std::size_t i = text_.find('\\', from); i != kNone; i = text_.find('\\', i + 1))
      if (escape_end(text_, i) != kNone) return i;
    return kNone;
  }

  std::size_t find_code_point(std::size_t from) const {
    for (std::size_t i = text_.find("U+", from); i != kNone; i = text_.find("U+", i + 1))
      if (code_point_end(text_, i) != kNone) return i;
    return kNone;
  }

  // Looks at the last byte that a run from `from` must have, so that most are never looked at.
  std::size_t find_run(std::size_t from) const {
    while (from + kShortestBase64 <= text_.size()) {
      std::size_t i = from + kShortestBase64;
      while (i > from && is(text_[i - 1], in_run)) --i;
      if (i == from) return from;
      from = i;
    }
    return kNone;
  }

  EncodedMatch run_match(std::size_t at) const {
    std::size_t end = at;
    while (end < text_.size() && is(text_[end], hex_digit)) ++end;
    if (end - at >= kShortestHex) return {hex_encoding, {at, end}};
    while (end < text_.size() && is(text_[end], in_run)) ++end;
    for (int i = 0; i < 2 && end < text_.size() && text_[end] == '='; ++i) ++end;
    return {base64_encoding, {at, end}};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  // The next of each kind; behind at_ when it is to be sought again.
  std::size_t percent_;
  std::size_t escape_;
  std::size_t code_point_;
  std::size_t run_;
};

bool all_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return is(c, printable); });
}

constexpr std::uint8_t kNoValue = 0xFF;

constexpr std::array<std::uint8_t, 256> base64_values(char c62, char c63) {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoValue);
  std::uint8_t next = 0;
  for (char c = 'A'; c <= 'Z'; ++c) values[static_cast<unsigned char>(c)] = next++;
  for (char c = 'a'; c <= 'z'; ++c) values[static_cast<unsigned char>(c)] = next++;
  for (char c = '0'; c <= '9'; ++c) values[static_cast<unsigned char>(c)] = next++;
  values[static_cast<unsigned char>(c62)] = next++;
  values[static_cast<unsigned char>(c63)] = next;
  return values;
}

constexpr auto kStandard = base64_values('+', '/');
constexpr auto kUrl = base64_values('-', '_');

// Of digits without padding; what does not fill a byte is dropped. Empty: not printable, or none.
std::string decode_base64_digits(std::string_view digits,
                                 const std::array<std::uint8_t, 256>& values) {
  std::string out;
  unsigned bits = 0;
  unsigned held = 0;
  for (const char c : digits) {
    const std::uint8_t value = values[static_cast<unsigned char>(c)];
    if (value == kNoValue) return "";
    bits = (bits << 6U | value) & 0xFFFFFFU;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out.push_back(static_cast<char>(bits >> held & 0xFFU));
    if (!is(out.back(), printable)) return "";
  }
  return out;
}

std::string decode_base64(std::string_view text) {
  if (!any(text, digit_or_sign)) return "";
  const std::size_t padding = text.size() - std::min(text.find_last_not_of('=') + 1, text.size());
  const std::string_view digits = text.substr(0, text.size() - padding);
  if (text.size() % 4 == 0) {
    std::string value = decode_base64_digits(digits, kStandard);
    if (!value.empty()) return value;
  }
  if (padding != 0 || digits.size() % 4 == 1) return "";
  return decode_base64_digits(digits, kUrl);
}

std::string decode_hex(std::string_view text) {
  if (text.size() % 2 != 0 || !any(text, digit)) return "";
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 2)
    out.push_back(static_cast<char>(hex_number(text.substr(i, 2))));
  return all_printable(out) ? out : "";
}

std::string decode_percent(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '%' || !hex_at(text, i + 1, 2)) {
      out.push_back(text[i++]);
      continue;
    }
    const char byte = static_cast<char>(hex_number(text.substr(i + 1, 2)));
    if (!is(byte, printable)) return "";
    out.push_back(byte);
    i += 3;
  }
  return out;
}

std::string decode_unicode(std::string_view text) {
  const auto end_of = text.starts_with("U+") ? code_point_end : escape_end;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = end_of(text, at);
    if (end == kNone) break;
    std::size_t digits = text.find_first_of("uU", at) + 1;
    if (text[digits] == '+') ++digits;
    append_rune(out, hex_number(text.substr(digits, 4)));
    at = end;
  }
  return out;
}

}  // namespace

std::vector<EncodedMatch> find_encoded(std::string_view text) {
  const std::vector<EncodedMatch> all = Finder(text).all();
  const auto gives_way = [](const EncodedMatch& match, const EncodedMatch& other) {
    return other.encoding < match.encoding && other.span.begin <= match.span.end &&
           other.span.end >= match.span.begin;
  };
  std::vector<EncodedMatch> kept;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i > 0 && gives_way(all[i], all[i - 1])) continue;
    if (i + 1 < all.size() && gives_way(all[i], all[i + 1])) continue;
    kept.push_back(all[i]);
  }
  return kept;
}

std::string decode(Encoding encoding, std::string_view text) {
  switch (encoding) {
    case percent_encoding:
      return decode_percent(text);
    case unicode_encoding:
      return decode_unicode(text);
    case hex_encoding:
      return decode_hex(text);
    case base64_encoding:
      return decode_base64(text);
  }
  return "";
}

}  // namespace fusebox::scan
