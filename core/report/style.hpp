// SPDX-License-Identifier: Apache-2.0
// Lines of text with a meaning, and how a terminal shows them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::report {

enum class Tone { plain, strong, faint, good, bad, warn, accent };

struct Span {
  Tone tone = Tone::plain;
  std::string text;
};
using Line = std::vector<Span>;

// The signs of one character set.
struct Glyphs {
  std::string_view good, bad, warn, skipped, undone, arrow, bullet, bar_full, bar_empty, ellipsis;
  std::vector<std::string_view> spinner;
};

struct Style {
  bool colour = false;
  bool unicode = false;

  const Glyphs& glyphs() const;
  // What suits this descriptor: NO_COLOR and its like, and the locale.
  static Style of(int fd);
};

std::size_t width_of(const Line& line);

// As bytes. Longer than `width` columns (0: any) it is cut, with an ellipsis.
std::string paint(const Line& line, const Style& style, std::size_t width = 0);

// `text` under `lead`, wrapped to `width` (0: never): its further lines are indented by the lead's
// width.
std::vector<Line> wrapped(const Line& lead, Tone tone, std::string_view text, std::size_t width);

}  // namespace fusebox::report
