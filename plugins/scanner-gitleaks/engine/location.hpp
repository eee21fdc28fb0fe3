// SPDX-License-Identifier: Apache-2.0
// Lines and columns as gitleaks counts them, and how random a secret looks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/regex.hpp"

namespace fusebox::scan {

struct Location {
  std::int64_t start_line = 0;  // from 0
  std::int64_t end_line = 0;
  std::int64_t start_column = 0;
  std::int64_t end_column = 0;
  Span line;  // the lines of the match; all but a fragment's first begin with their line feed
};

// The line feeds of a text.
std::vector<std::size_t> line_feeds(std::string_view text);

Location locate(const std::vector<std::size_t>& feeds, std::string_view raw, Span match);

// In bits per byte: characters are counted, and their number divided by that of the bytes.
double shannon_entropy(std::string_view text);

}  // namespace fusebox::scan
