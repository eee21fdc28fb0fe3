// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace fusebox::samples {

// Fills patterns (table.hpp). Throws std::logic_error on one that is malformed.
class Filler {
 public:
  explicit Filler(std::uint64_t seed) : random_(seed) {}

  std::string fill(std::string_view pattern);
  // One character less than the rule wants, in the longest part.
  std::string too_short(std::string_view pattern);
  // As long as it should be, and of one character.
  std::string dummy(std::string_view pattern);

 private:
  enum class Mode { random, dummy };
  std::string expand(std::string_view pattern, Mode mode, std::size_t shorten);
  std::string draw(char alphabet, std::size_t count);
  std::size_t below(std::size_t limit);

  std::mt19937_64 random_;
};

}  // namespace fusebox::samples
