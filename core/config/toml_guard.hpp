// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fusebox::config {

// How deep tables and lists may nest. The parser and everything after it recurse.
inline constexpr std::size_t deepest = 64;

struct Refusal {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  std::string what;
  std::string hint;
};

// Refuses what the parser cannot survive: nesting past `deepest`, be it by brackets or by dotted
// keys (the parser bounds the brackets, but "a.a.a..." of a megabyte would overflow the stack), and
// a table's header without a name. Looks at the words only; of a text that is no TOML for another
// reason it may say anything or nothing, the parser refuses that.
std::optional<Refusal> refuse_early(std::string_view text);

}  // namespace fusebox::config
