// SPDX-License-Identifier: Apache-2.0
// Text as Go's encoders write it.
#pragma once

#include <string>
#include <string_view>

#include "engine/finding.hpp"

namespace fusebox::scan {

// A JSON string with its quotes.
std::string go_json_string(std::string_view text);
// The finding as a JSON object; lines after the first begin with `prefix`, each level with
// `indent`.
std::string go_json_finding(const Finding& finding, std::string_view prefix,
                            std::string_view indent);
// Within an XML element or attribute.
std::string go_xml_text(std::string_view text);

// Calls `take(bytes, code point)` for each character; a byte that is no UTF-8 comes alone, with -1.
template <class Take>
void for_each_rune(std::string_view text, Take take);

}  // namespace fusebox::scan

// ---- Implementation -----------------------------------------------------------------------------

namespace fusebox::scan {

namespace detail {

// The length of the well-formed sequence at the start of `text`, 0 when it is none.
inline std::size_t rune_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t length = first < 0x80                    ? 1
                             : first >= 0xC2 && first < 0xE0 ? 2
                             : first >= 0xE0 && first < 0xF0 ? 3
                             : first >= 0xF0 && first < 0xF5 ? 4
                                                             : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  if (length == 1) return 1;
  const unsigned char second = byte(1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool beyond = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
  return overlong || beyond ? 0 : length;
}

}  // namespace detail

template <class Take>
void for_each_rune(std::string_view text, Take take) {
  while (!text.empty()) {
    const std::size_t length = detail::rune_length(text);
    if (length == 0) {
      take(text.substr(0, 1), -1);
      text.remove_prefix(1);
      continue;
    }
    long code = static_cast<unsigned char>(text[0]);
    if (length > 1) code &= 0x7F >> length;
    for (std::size_t i = 1; i < length; ++i)
      code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3F);
    take(text.substr(0, length), code);
    text.remove_prefix(length);
  }
}

}  // namespace fusebox::scan
