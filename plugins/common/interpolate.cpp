// SPDX-License-Identifier: Apache-2.0
#include "common/interpolate.hpp"

#include <cstdint>

namespace fbx::common {

namespace {

constexpr std::size_t max_depth = 64;
constexpr std::size_t max_value = std::size_t{1} << 20;

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name_char(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }

std::size_t name_length(std::string_view text) {
  if (text.empty() || !is_name_start(text[0])) return 0;
  std::size_t length = 1;
  while (length < text.size() && is_name_char(text[length])) ++length;
  return length;
}

// What stands for the letter after a backslash; 0 when it is not an escape.
char simple_escape(char letter) {
  switch (letter) {
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    case '"':
      return '"';
    case '\\':
      return '\\';
    default:
      return '\0';
  }
}

// \0ddd with three octal digits up to \0377 is a code point. Any other \0... keeps the backslash
// and loses the zero: odd, but what Compose does.
std::size_t unescape_octal(std::string_view text, Place place, PlacedText& out) {
  std::size_t length = 2;
  while (length < text.size() && length < 5 && text[length] >= '0' && text[length] <= '9') ++length;
  const std::string_view digits = text.substr(2, length - 2);
  unsigned code = 0;
  bool valid = digits.size() == 3;
  for (const char c : digits) {
    valid = valid && c <= '7';
    code = code * 8 + static_cast<unsigned>(c - '0');
  }
  if (!valid || code > 0xFF) {
    out.push_back('\\', place);
    for (const char c : digits) out.push_back(c, place);
  } else if (code < 0x80) {
    out.push_back(static_cast<char>(code), place);
  } else {
    out.push_back(static_cast<char>(0xC0U | (code >> 6U)), place);
    out.push_back(static_cast<char>(0x80U | (code & 0x3FU)), place);
  }
  return length;
}

// A part of a PlacedText.
struct Slice {
  std::string_view text;
  const Place* places;

  Slice from(std::size_t begin) const { return {text.substr(begin), places + begin}; }
  Slice between(std::size_t begin, std::size_t end) const {
    return {text.substr(begin, end - begin), places + begin};
  }
};

class Interpolator {
 public:
  explicit Interpolator(const Interpolation& context) : context_(context) {}

  // `live` is false in a default that is not used: mistakes in it count, warnings do not.
  WipedText expand(Slice in, bool live, std::size_t depth) const {
    if (depth > max_depth) context_.fail(in.places[0], "more than 64 levels of ${...}");
    WipedText out;
    for (std::size_t i = 0; i < in.text.size();) {
      if (in.text[i] != '$') {
        append(out, in.text.substr(i, 1), in.places[i]);
        ++i;
      } else {
        i += variable(in.from(i), live, depth, out);
      }
    }
    return out;
  }

 private:
  // `in` begins with `$`; returns how much of it was read.
  std::size_t variable(Slice in, bool live, std::size_t depth, WipedText& out) const {
    const std::string_view rest = in.text.substr(1);
    if (rest.starts_with('{')) return braced(in, live, depth, out);
    if (const std::size_t length = name_length(rest)) {
      append(out, value_or_nothing(rest.substr(0, length), in.places[0], live), in.places[0]);
      return 1 + length;
    }
    append(out, "$", in.places[0]);
    return rest.starts_with('$') ? 2 : 1;
  }

  std::size_t braced(Slice in, bool live, std::size_t depth, WipedText& out) const {
    const Place place = in.places[0];
    const std::size_t end = closing_brace(in.text);
    if (end == std::string_view::npos) context_.fail(place, "the ${ is not closed on its line");
    const std::size_t name_size = name_length(in.text.substr(2));
    const std::string_view name = in.text.substr(2, name_size);
    std::size_t at = 2 + name_size;
    const bool or_empty = at < end && in.text[at] == ':';
    if (or_empty) ++at;
    const char kind = at < end ? in.text[at] : '}';
    const bool known = kind == '-' || kind == '+' || kind == '?' || (kind == '}' && !or_empty);
    if (name.empty() || !known)
      context_.fail(place,
                    "not a variable: expected ${NAME}, ${NAME:-default}, ${NAME:?message} "
                    "or ${NAME:+other}; write $$ for a $ that is meant as it is");
    if (kind == '}') {
      append(out, value_or_nothing(name, place, live), place);
    } else {
      const Slice argument = in.between(at + 1, end);
      append(out, apply(kind, or_empty, name, argument, place, live, depth).view(), place);
    }
    return end + 1;
  }

  WipedText apply(char kind, bool or_empty, std::string_view name, Slice argument, Place place,
                  bool live, std::size_t depth) const {
    const auto value = context_.lookup(name);
    const bool present = value && !(or_empty && value->empty());
    const bool uses_argument = kind == '+' ? present : kind == '-' && !present;
    WipedText expanded;
    if (!argument.text.empty()) expanded = expand(argument, live && uses_argument, depth + 1);
    if (uses_argument) return expanded;
    if (kind == '?' && !present)
      context_.fail(place, or_empty && value ? "a ${NAME:?...} needs a variable that is empty"
                                             : "a ${NAME:?...} needs a variable that is not set");
    return kind == '+' ? WipedText() : WipedText(*value);
  }

  // The `}` that belongs to the `${` which begins `text`, on the same line.
  static std::size_t closing_brace(std::string_view text) {
    std::size_t open = 0;
    for (std::size_t i = 0; i < text.size() && text[i] != '\n'; ++i) {
      if (text[i] == '}' && --open == 0) return i;
      if (text.substr(i).starts_with("${")) {
        ++open;
        ++i;
      }
    }
    return std::string_view::npos;
  }

  std::string_view value_or_nothing(std::string_view name, Place place, bool live) const {
    if (const auto value = context_.lookup(name)) return *value;
    if (live)
      context_.warn(place,
                    "the variable that begins here is not set, so nothing takes its place; "
                    "if the $ is a part of the value, put the value in single quotes");
    return {};
  }

  void append(WipedText& out, std::string_view text, Place place) const {
    if (out.size() + text.size() > max_value) context_.fail(place, "the value grows over 1 MiB");
    out.append(text);
  }

  const Interpolation& context_;
};

}  // namespace

PlacedText unescape(const PlacedText& from) {
  PlacedText out;
  const std::string_view text = from.text.view();
  for (std::size_t i = 0; i < text.size();) {
    const Place place = from.places[i];
    const char letter = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (letter == '$') {
      out.push_back('$', place);
      out.push_back('$', place);
      i += 2;
    } else if (letter == '0') {
      i += unescape_octal(text.substr(i), place, out);
    } else if (const char meant = simple_escape(letter)) {
      out.push_back(meant, place);
      i += 2;
    } else {
      out.push_back(text[i], place);
      ++i;
    }
  }
  return out;
}

WipedText interpolate(const PlacedText& from, const Interpolation& context) {
  return Interpolator(context).expand({from.text.view(), from.places.data()}, true, 0);
}

}  // namespace fbx::common
