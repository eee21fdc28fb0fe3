// SPDX-License-Identifier: Apache-2.0
// Text as Go's encoders write it.
#pragma once

#include <string>
#include <string_view>

#include "engine/finding.hpp"
#include "engine/utf8_text.hpp"

namespace fusebox::scan {

// A JSON string with its quotes.
std::string go_json_string(std::string_view text);
// The finding as a JSON object; lines after the first begin with `prefix`, each level with
// `indent`.
std::string go_json_finding(const Finding& finding, std::string_view prefix,
                            std::string_view indent);
// Within an XML element or attribute.
std::string go_xml_text(std::string_view text);

// Well-formed UTF-8: each bad byte becomes a replacement character.
std::string well_formed(std::string_view text);

// Calls `take(bytes, code point)` for each character; a byte that is no UTF-8 comes alone, with -1.
template <class Take>
void for_each_rune(std::string_view text, Take take) {
  while (!text.empty()) {
    const Rune rune = first_rune(text);
    take(text.substr(0, rune.size), rune.valid ? static_cast<long>(rune.value) : -1);
    text.remove_prefix(rune.size);
  }
}

}  // namespace fusebox::scan
