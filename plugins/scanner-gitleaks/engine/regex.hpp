// SPDX-License-Identifier: Apache-2.0
// Go's regular expressions on RE2, which is the only authority for a match.
#pragma once

#include <re2/re2.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/utf8_text.hpp"

namespace fusebox::scan {

// The expression in RE2's spelling. Throws std::invalid_argument with the reason when Go has no
// such expression.
std::unique_ptr<re2::RE2> compile_regex(std::string_view pattern);

struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Gives each match of all, in order, as places in subject.raw(): leftmost-first, not overlapping,
// and no empty one right behind another (Go's rule).
void for_each_match(const re2::RE2& regex, const Subject& subject,
                    const std::function<void(Span)>& take);

bool matches(const re2::RE2& regex, std::string_view text);

// The groups of the first match, [0] the whole; empty when there is none.
std::vector<std::string_view> first_groups(const re2::RE2& regex, const Subject& subject);

// Expressions by number, compiled at the first use. For one thread: RE2's cache is slow when
// shared.
class RegexSet {
 public:
  explicit RegexSet(const std::vector<std::string>& patterns)
      : patterns_(patterns), compiled_(patterns.size()) {}
  const re2::RE2& at(int number) {
    auto& slot = compiled_[static_cast<std::size_t>(number)];
    if (slot == nullptr) slot = compile_regex(patterns_[static_cast<std::size_t>(number)]);
    return *slot;
  }

 private:
  const std::vector<std::string>& patterns_;
  std::vector<std::unique_ptr<re2::RE2>> compiled_;
};

}  // namespace fusebox::scan
