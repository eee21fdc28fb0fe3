// SPDX-License-Identifier: Apache-2.0
// Finds words of a set in a text (Aho-Corasick).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::scan {

class WordSet {
 public:
  // Lower-case words; ASCII letters of either case in a text match them.
  explicit WordSet(std::span<const std::string> words);

  bool any_in(std::string_view text) const;
  // Sets found[i] for each word i that `text` holds, overlapping ones too.
  void find(std::string_view text, std::vector<bool>& found) const;

 private:
  std::uint32_t step(std::uint32_t state, char byte) const {
    return next_[state * classes_ + class_of_[static_cast<unsigned char>(byte)]];
  }
  void add_words(std::span<const std::string> words);
  void link();

  std::array<std::uint8_t, 256> class_of_{};  // 0: in no word
  std::uint32_t classes_ = 1;
  std::vector<std::uint32_t> next_;  // [state * classes_ + class]
  std::vector<std::uint32_t> ends_;  // [state]: word + 1 that ends here; 0: none
  std::vector<std::uint32_t> more_;  // [state]: the longest suffix with an end; 0: none
  std::vector<bool> hit_;            // [state]: an end here or at a suffix
  std::vector<std::uint32_t> same_;  // [word]: the one that it repeats
};

}  // namespace fusebox::scan
