// SPDX-License-Identifier: Apache-2.0
// Text for terminals: what may go there, and how wide it is. All of it is UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::util {

bool valid_utf8(std::string_view text);

// One line that cannot harm a terminal or a log: escape sequences are dropped, control characters
// become spaces, invalid bytes and characters that reorder text become U+FFFD. White space at the
// end goes.
std::string sanitize_line(std::string_view text);

// Columns on a terminal. Expects what sanitize_line lets through.
std::size_t display_width(std::string_view text);

// At most `width` columns; what is cut off is marked by `ellipsis`.
std::string truncate_to_width(std::string_view text, std::size_t width, std::string_view ellipsis);

// Exactly `width` columns, or more when it is longer.
std::string pad_right(std::string_view text, std::size_t width);
std::string pad_left(std::string_view text, std::size_t width);

// Lines of at most `width` columns, broken at spaces, inside a word only where it is longer than a
// line. Never empty.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

// `text` as one word to be pasted into a shell: in quotes where it must be.
std::string shell_word(std::string_view text);

}  // namespace fusebox::util
