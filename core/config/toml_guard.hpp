// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace fusebox::config {

// How deep tables and lists may nest. The parser and everything after it recurse.
inline constexpr std::size_t deepest = 64;

struct Place {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

// Where `text` nests deeper than `deepest`, be it by brackets or by dotted keys. The parser bounds
// the brackets, not the dots: "a.a.a..." of a megabyte would overflow the stack. Looks at the words
// only; a text that is no TOML gets any answer, and the parser refuses it.
std::optional<Place> too_deep(std::string_view text);

}  // namespace fusebox::config
