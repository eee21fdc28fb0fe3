// SPDX-License-Identifier: Apache-2.0
// Lets doctest print a list of texts, one per line, when a comparison fails.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace doctest {
template <>
struct StringMaker<std::vector<std::string>> {
  static String convert(const std::vector<std::string>& list) {
    std::string text = "{";
    for (const auto& line : list) text += "\n  " + line;
    return String((text + "}").c_str());
  }
};
}  // namespace doctest
