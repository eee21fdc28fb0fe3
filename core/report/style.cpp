// SPDX-License-Identifier: Apache-2.0
#include "report/style.hpp"

#include "util/terminal.hpp"
#include "util/text.hpp"

#include <algorithm>

namespace fusebox::report {

namespace {

std::string_view escape_of(Tone tone) {
  switch (tone) {
    case Tone::plain:
      return {};
    case Tone::strong:
      return "\x1b[1m";
    case Tone::faint:
      return "\x1b[2m";
    case Tone::good:
      return "\x1b[32m";
    case Tone::bad:
      return "\x1b[1;31m";
    case Tone::warn:
      return "\x1b[33m";
    case Tone::accent:
      return "\x1b[36m";
  }
  return {};
}

// With less room than this beside its lead, a text gets lines of its own below.
constexpr std::size_t narrowest = 24;
constexpr std::size_t own_margin = 4;

}  // namespace

const Glyphs& Style::glyphs() const {
  static const Glyphs utf8{"✔",
                           "✖",
                           "⚠",
                           "↷",
                           "↶",
                           "→",
                           "•",
                           "█",
                           "░",
                           "…",
                           {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}};
  static const Glyphs ascii{
      "+", "x", "!", "-", "<", "->", "*", "#", ".", "...", {"|", "/", "-", "\\"}};
  return unicode ? utf8 : ascii;
}

Style Style::of(int fd) { return {util::wants_colour(fd), util::utf8_locale()}; }

std::size_t width_of(const Line& line) {
  std::size_t width = 0;
  for (const Span& span : line) width += util::display_width(span.text);
  return width;
}

std::string paint(const Line& line, const Style& style, std::size_t width) {
  const bool cut = width > 0 && width_of(line) > width;
  const std::string_view ellipsis = style.glyphs().ellipsis;
  const std::size_t mark = util::display_width(ellipsis);
  std::size_t left = !cut ? 0 : width > mark ? width - mark : width;
  std::string bytes;
  for (const Span& span : line) {
    const std::string text = cut ? util::truncate_to_width(span.text, left, "") : span.text;
    left -= cut ? std::min(left, util::display_width(span.text)) : 0;
    const std::string_view escape = style.colour ? escape_of(span.tone) : std::string_view();
    if (text.empty()) continue;
    bytes.append(escape).append(text).append(escape.empty() ? "" : "\x1b[0m");
  }
  if (cut && width > mark) bytes.append(ellipsis);
  return bytes;
}

std::vector<Line> wrapped(const Line& lead, Tone tone, std::string_view text, std::size_t width) {
  const std::size_t indent = width_of(lead);
  if (width == 0) {
    Line line = lead;
    line.push_back({tone, std::string(text)});
    return {std::move(line)};
  }
  std::vector<Line> lines;
  const auto add = [&](Line line, const std::string& piece) {
    line.push_back({tone, piece});
    lines.push_back(std::move(line));
  };
  const bool own_line = width < indent + narrowest && indent + util::display_width(text) > width;
  const std::size_t margin = own_line ? std::min(own_margin, width / 4) : indent;
  if (own_line) lines.push_back(lead);
  for (const std::string& piece : util::wrap(text, std::max(width, margin + 1) - margin))
    add(lines.empty() ? lead : Line{{Tone::plain, std::string(margin, ' ')}}, piece);
  return lines;
}

}  // namespace fusebox::report
