// SPDX-License-Identifier: Apache-2.0
// Text as Go sees it: every byte that is no part of valid UTF-8 is one character, U+FFFD.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::scan {

struct Rune {
  char32_t value = 0xFFFD;
  unsigned size = 1;  // bytes
  bool valid = false;
};

// The first of `text`, which is not empty.
Rune first_rune(std::string_view text);

void append_rune(std::string& text, char32_t rune);  // what is no code point becomes U+FFFD

bool is_ascii(std::string_view text);
// The end of the ASCII that begins at `at`.
std::size_t ascii_run(std::string_view text, std::size_t at);

// As Go's strings.ToLower: by code point, U+212A and U+0130 become ASCII letters.
std::string to_lower(std::string_view text);
std::string ascii_lower(std::string_view text);

// A text for RE2, which cannot match across invalid bytes: those are replaced by U+FFFD. Borrows
// `raw`.
class Subject {
 public:
  explicit Subject(std::string_view raw);
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

  std::string_view text() const { return copy_.empty() ? raw_ : std::string_view(copy_); }
  std::string_view raw() const { return raw_; }
  bool ascii() const { return ascii_; }
  // From a place in text() to the one in raw().
  std::size_t to_raw(std::size_t at) const;

 private:
  std::string_view raw_;
  std::string copy_;                   // empty: raw_ is valid
  std::vector<std::size_t> replaced_;  // places in copy_, in order
  bool ascii_ = true;
};

}  // namespace fusebox::scan
