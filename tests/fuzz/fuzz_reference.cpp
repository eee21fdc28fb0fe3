// SPDX-License-Identifier: Apache-2.0
// A value of a 1Password template.
#include <cstdint>
#include <stdexcept>
#include <string_view>

#include "secrets-1password/reference.hpp"
#include "tests/fuzz/check.hpp"

// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace secrets_1password;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  try {
    for (const Piece& piece : split_value(input)) {
      if (!piece.is_reference) continue;
      const std::string& text = piece.reference.text;
      fusebox::fuzz::check(text.starts_with("op://"), "a reference begins with op://");
      fusebox::fuzz::check(text.find_first_of("{}$\n\"'") == std::string::npos,
                           "a reference holds nothing that op's templates would read otherwise");
      fusebox::fuzz::check(input.find(text) != std::string_view::npos, "a reference is a quote");
    }
  } catch (const std::invalid_argument&) {
  }
  return 0;
}
