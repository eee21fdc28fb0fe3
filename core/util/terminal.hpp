// SPDX-License-Identifier: Apache-2.0
// What the terminal can do, and leaving it as it was.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace fusebox::util {

class CancelToken;

bool is_tty(int fd);

// Columns: the terminal's own, else $COLUMNS, else 80.
std::size_t terminal_width(int fd);
// Lines: the terminal's own, else 24.
std::size_t terminal_height(int fd);

// NO_COLOR (not empty) says no, CLICOLOR_FORCE (but "0") says yes, TERM=dumb says no, in this
// order; else: is it a terminal?
bool wants_colour(int fd);

// A terminal that understands cursor movement.
bool can_redraw(int fd);

// By LC_ALL, LC_CTYPE, LANG: the first that is set.
bool utf8_locale();

// Hides the cursor while it lives. Signals that end or stop the process show it again first, where
// their handling is the default one; others' handlers call show_cursor() before they exit.
class HiddenCursor {
 public:
  explicit HiddenCursor(int fd);
  ~HiddenCursor();
  HiddenCursor(const HiddenCursor&) = delete;
  HiddenCursor& operator=(const HiddenCursor&) = delete;
};

// Shows the cursor if a HiddenCursor hid it. Async-signal-safe.
void show_cursor() noexcept;

// Asks on `out`, reads one line from `in`, without its newline. Nothing at the end of the input or
// when cancelled.
std::optional<std::string> prompt_line(std::string_view prompt, int in, int out,
                                       const CancelToken* cancel);

}  // namespace fusebox::util
