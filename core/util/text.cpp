// SPDX-License-Identifier: Apache-2.0
#include "util/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace fusebox::util {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

struct Decoded {
  char32_t code = 0;
  std::size_t size = 0;  // 0: invalid here
};

// The character at the front of `text`, which is not empty.
Decoded decode(std::string_view text) {
  const auto byte = [&](std::size_t i) -> unsigned char {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const auto bits = [&](std::size_t i) { return static_cast<char32_t>(byte(i) & 0x3FU); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead >= 0xC2 && lead <= 0xDF && continues(1))
    return {(static_cast<char32_t>(lead & 0x1FU) << 6) | bits(1), 2};
  if ((lead & 0xF0U) == 0xE0 && continues(1) && continues(2)) {
    const char32_t code = (static_cast<char32_t>(lead & 0x0FU) << 12) | (bits(1) << 6) | bits(2);
    if (code >= 0x800 && (code < 0xD800 || code > 0xDFFF)) return {code, 3};
    return {};
  }
  if ((lead & 0xF8U) == 0xF0 && continues(1) && continues(2) && continues(3)) {
    const char32_t code =
        (static_cast<char32_t>(lead & 0x07U) << 18) | (bits(1) << 12) | (bits(2) << 6) | bits(3);
    if (code >= 0x10000 && code <= 0x10FFFF) return {code, 4};
  }
  return {};
}

struct Range {
  char32_t first;
  char32_t last;
};

template <std::size_t N>
bool in(const std::array<Range, N>& ranges, char32_t code) {
  const auto it = std::partition_point(ranges.begin(), ranges.end(),
                                       [&](const Range& range) { return range.last < code; });
  return it != ranges.end() && it->first <= code;
}

// Marks that stand on the character before, and joiners.
constexpr std::array zero_width = {
    Range{0x0300, 0x036F}, Range{0x0483, 0x0489},   Range{0x0591, 0x05BD}, Range{0x0610, 0x061A},
    Range{0x064B, 0x065F}, Range{0x0E34, 0x0E3A},   Range{0x1AB0, 0x1AFF}, Range{0x1DC0, 0x1DFF},
    Range{0x200B, 0x200F}, Range{0x20D0, 0x20FF},   Range{0xFE00, 0xFE0F}, Range{0xFE20, 0xFE2F},
    Range{0xFEFF, 0xFEFF}, Range{0xE0100, 0xE01EF},
};
// East Asian wide and full-width characters, and pictures.
constexpr std::array double_width = {
    Range{0x1100, 0x115F},   Range{0x231A, 0x231B},   Range{0x23E9, 0x23EC},
    Range{0x2614, 0x2615},   Range{0x26A1, 0x26A1},   Range{0x2705, 0x2705},
    Range{0x274C, 0x274C},   Range{0x2795, 0x2797},   Range{0x2E80, 0x303E},
    Range{0x3041, 0x33FF},   Range{0x3400, 0x4DBF},   Range{0x4E00, 0xA4CF},
    Range{0xA960, 0xA97C},   Range{0xAC00, 0xD7A3},   Range{0xF900, 0xFAFF},
    Range{0xFE30, 0xFE6F},   Range{0xFF00, 0xFF60},   Range{0xFFE0, 0xFFE6},
    Range{0x1F300, 0x1F64F}, Range{0x1F680, 0x1F6FF}, Range{0x1F900, 0x1FAFF},
    Range{0x20000, 0x3FFFD},
};
// They let a text look like another: bidirectional overrides and line separators.
constexpr std::array deceptive = {Range{0x061C, 0x061C}, Range{0x200E, 0x200F},
                                  Range{0x2028, 0x202E}, Range{0x2066, 0x2069}};

std::size_t width_of(char32_t code) {
  if (code < 0x300) return 1;
  if (in(zero_width, code)) return 0;
  return in(double_width, code) ? 2 : 1;
}

// The length of the escape sequence at the front of `text`, which starts with ESC.
std::size_t escape_length(std::string_view text) {
  if (text.size() < 2) return 1;
  std::size_t i = 2;
  switch (text[1]) {
    case '[':  // parameters, then one final byte
      while (i < text.size() && text[i] >= 0x20 && text[i] <= 0x3F) ++i;
      return i < text.size() && text[i] >= 0x40 && text[i] <= 0x7E ? i + 1 : i;
    case ']':  // up to BEL or ESC backslash: titles, hyperlinks
      for (; i < text.size(); ++i) {
        if (text[i] == '\a') return i + 1;
        if (text[i] == '\x1b') return i + (text.substr(i + 1).starts_with('\\') ? 2 : 0);
      }
      return i;
    default:
      return text[1] >= 0x20 && text[1] <= 0x7E ? 2 : 1;
  }
}

// The longest front of `text` that is at most `width` columns.
std::size_t fit(std::string_view text, std::size_t width) {
  std::size_t used = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const Decoded next = decode(text.substr(at));
    const std::size_t columns = next.size == 0 ? 1 : width_of(next.code);
    if (used + columns > width) break;
    used += columns;
    at += std::max<std::size_t>(next.size, 1);
  }
  return at;
}

}  // namespace

bool valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const Decoded next = decode(text);
    if (next.size == 0) return false;
    text.remove_prefix(next.size);
  }
  return true;
}

std::string sanitize_line(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  while (!text.empty()) {
    if (text.front() == '\x1b') {
      text.remove_prefix(escape_length(text));
      continue;
    }
    const Decoded next = decode(text);
    const std::size_t size = std::max<std::size_t>(next.size, 1);
    if (next.size == 0 || in(deceptive, next.code))
      line += replacement;
    else if (next.code < 0x20 || (next.code >= 0x7F && next.code < 0xA0))
      line += ' ';
    else
      line.append(text.substr(0, size));
    text.remove_prefix(size);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const Decoded next = decode(text);
    width += next.size == 0 ? 1 : width_of(next.code);
    text.remove_prefix(std::max<std::size_t>(next.size, 1));
  }
  return width;
}

std::string truncate_to_width(std::string_view text, std::size_t width, std::string_view ellipsis) {
  if (display_width(text) <= width) return std::string(text);
  const std::size_t mark = display_width(ellipsis);
  if (mark >= width) return std::string(text.substr(0, fit(text, width)));
  return std::string(text.substr(0, fit(text, width - mark))).append(ellipsis);
}

std::string pad_right(std::string_view text, std::size_t width) {
  const std::size_t used = display_width(text);
  return std::string(text).append(used < width ? width - used : 0, ' ');
}

std::string pad_left(std::string_view text, std::size_t width) {
  const std::size_t used = display_width(text);
  return std::string(used < width ? width - used : 0, ' ').append(text);
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  width = std::max<std::size_t>(width, 1);
  std::vector<std::string> lines;
  while (display_width(text) > width) {
    std::size_t end = fit(text, width);
    if (end == 0) end = std::max<std::size_t>(decode(text).size, 1);
    std::size_t next = end;
    if (end < text.size() && text[end] != ' ') {
      const std::size_t space = text.rfind(' ', end);
      if (space != std::string_view::npos && space > 0) next = end = space;
    }
    while (end > 0 && text[end - 1] == ' ') --end;
    while (next < text.size() && text[next] == ' ') ++next;
    if (end > 0) lines.emplace_back(text.substr(0, end));
    text.remove_prefix(next);
  }
  if (!text.empty() || lines.empty()) lines.emplace_back(text);
  return lines;
}

std::string shell_word(std::string_view text) {
  constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+,:@%=";
  if (!text.empty() && text.find_first_not_of(plain) == std::string_view::npos)
    return std::string(text);
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'')
      out += "'\\''";
    else
      out += c;
  }
  return out + "'";
}

}  // namespace fusebox::util
