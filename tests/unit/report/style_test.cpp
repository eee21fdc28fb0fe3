// SPDX-License-Identifier: Apache-2.0
#include "report/style.hpp"

#include <doctest/doctest.h>

#include "tests/support/environment.hpp"
#include "tests/support/pty.hpp"

using namespace fusebox::report;

namespace {
std::string all(const std::vector<Line>& lines) {
  std::string text;
  for (const Line& line : lines) text += paint(line, {}) + "\n";
  return text;
}
const Line sample{{Tone::bad, "fail"}, {Tone::plain, ": "}, {Tone::faint, "a long reason"}};
}  // namespace

TEST_CASE("a line has colours only where the style has them") {
  CHECK(paint(sample, {false, true}) == "fail: a long reason");
  CHECK(paint(sample, {true, true}) == "\x1b[1;31mfail\x1b[0m: \x1b[2ma long reason\x1b[0m");
  for (const Tone tone : {Tone::strong, Tone::good, Tone::warn, Tone::accent}) {
    const std::string text = paint({{tone, "x"}}, {true, true});
    CHECK(text.size() > 5);
    CHECK(text.ends_with("x\x1b[0m"));
  }
}

TEST_CASE("a line that is too wide is cut, with an ellipsis of the character set") {
  CHECK(paint(sample, {false, true}, 19) == "fail: a long reason");
  CHECK(paint(sample, {false, true}, 12) == "fail: a lon…");
  CHECK(paint(sample, {false, false}, 12) == "fail: a l...");
  CHECK(paint(sample, {false, false}, 2) == "fa");
  CHECK(paint(sample, {true, true}, 5) == "\x1b[1;31mfail\x1b[0m…");
}

TEST_CASE("wrapped text is indented under its lead") {
  const Line lead{{Tone::good, "+"}, {Tone::plain, " "}};
  CHECK(all(wrapped(lead, Tone::plain, "one two three four five six", 26)) ==
        "+ one two three four five\n  six\n");
  CHECK(all(wrapped(lead, Tone::plain, "one two three four five six", 0)) ==
        "+ one two three four five six\n");
  CHECK(all(wrapped(lead, Tone::plain, "", 26)) == "+ \n");
}

TEST_CASE("text without room beside its lead gets lines of its own") {
  const Line lead{{Tone::plain, "a-rather-long-label  "}};
  CHECK(all(wrapped(lead, Tone::plain, "one two three four five", 30)) ==
        "a-rather-long-label  \n    one two three four five\n");
  CHECK(all(wrapped(lead, Tone::plain, "short", 30)) == "a-rather-long-label  short\n");
}

TEST_CASE("the style of a descriptor follows environment and locale") {
  const fusebox::test::Pty pty(80);
  const fusebox::test::Environment environment{
      {"NO_COLOR", ""}, {"CLICOLOR_FORCE", ""}, {"TERM", "xterm"}, {"LC_ALL", "C"}};
  const Style style = Style::of(pty.terminal());
  CHECK(style.colour);
  CHECK_FALSE(style.unicode);
  CHECK(style.glyphs().good == "+");
}
