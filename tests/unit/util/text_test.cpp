// SPDX-License-Identifier: Apache-2.0
#include "util/text.hpp"

#include <doctest/doctest.h>

namespace util = fusebox::util;
using Lines = std::vector<std::string>;

TEST_CASE("valid UTF-8 is told from what only looks like it") {
  for (const char* good : {"", "plain", "h\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"}) {
    CAPTURE(good);
    CHECK(util::valid_utf8(good));
  }
  for (const char* bad : {"\x80", "\xC3", "\xC0\x80", "\xE2\x82", "\xE0\x80\x80", "\xED\xA0\x80",
                          "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "a\xFFz"}) {
    CAPTURE(bad);
    CHECK_FALSE(util::valid_utf8(bad));
  }
}

TEST_CASE("a sanitized line has nothing that moves the cursor") {
  CHECK(util::sanitize_line("plain \xE2\x9C\x94") == "plain \xE2\x9C\x94");
  CHECK(util::sanitize_line("\x1b[31mred\x1b[0m") == "red");
  CHECK(util::sanitize_line("\x1b]0;title\atext") == "text");
  CHECK(util::sanitize_line("\x1b]8;;http://x\x1b\\link") == "link");
  CHECK(util::sanitize_line("\x1b]open") == "");
  CHECK(util::sanitize_line("\x1b(Bx\x1b") == "Bx");
  CHECK(util::sanitize_line("\x1b[31") == "");
  CHECK(util::sanitize_line("a\tb\x7f") == "a b");
  CHECK(util::sanitize_line("line\r\n") == "line");
  CHECK(util::sanitize_line("c1\xC2\x9Bx") == "c1 x");
}

TEST_CASE("invalid bytes and reordering characters are made visible") {
  CHECK(util::sanitize_line("a\xFFz") == "a\xEF\xBF\xBDz");
  CHECK(util::sanitize_line("a\xE2\x80\xAEz") == "a\xEF\xBF\xBDz");
  CHECK(util::valid_utf8(util::sanitize_line("\xE2\x82 \xF0\x9F")));
}

TEST_CASE("width counts columns, not bytes") {
  CHECK(util::display_width("abc") == 3);
  CHECK(util::display_width("h\xC3\xA9") == 2);
  CHECK(util::display_width("e\xCC\x81") == 1);
  CHECK(util::display_width("\xE6\x97\xA5\xE6\x9C\xAC") == 4);
  CHECK(util::display_width("\xF0\x9F\x98\x80") == 2);
  CHECK(util::display_width("\xE2\x9C\x94") == 1);
}

TEST_CASE("truncated text keeps whole characters and shows that it was cut") {
  CHECK(util::truncate_to_width("abcdef", 6, "..") == "abcdef");
  CHECK(util::truncate_to_width("abcdef", 5, "..") == "abc..");
  CHECK(util::truncate_to_width("abcdef", 2, "..") == "ab");
  CHECK(util::truncate_to_width("\xE6\x97\xA5\xE6\x9C\xAC", 3, "") == "\xE6\x97\xA5");
}

TEST_CASE("padding fills up to a width and never cuts") {
  CHECK(util::pad_right("h\xC3\xA9", 4) == "h\xC3\xA9  ");
  CHECK(util::pad_left("12", 4) == "  12");
  CHECK(util::pad_right("long", 2) == "long");
}

TEST_CASE("text is wrapped at spaces, and inside a word only when it must be") {
  CHECK(util::wrap("one two three", 7) == Lines{"one two", "three"});
  CHECK(util::wrap("one two three", 8) == Lines{"one two", "three"});
  CHECK(util::wrap("abcdefgh ij", 3) == Lines{"abc", "def", "gh", "ij"});
  CHECK(util::wrap("", 10) == Lines{""});
  CHECK(util::wrap("fits", 4) == Lines{"fits"});
  CHECK(util::wrap("\xE6\x97\xA5\xE6\x9C\xAC", 1) == Lines{"\xE6\x97\xA5", "\xE6\x9C\xAC"});
  CHECK(util::wrap("  indented words", 10) == Lines{"  indented", "words"});
}

TEST_CASE("a word for a shell is quoted where it must be, and only there") {
  CHECK(util::shell_word("/srv/a-b.toml") == "/srv/a-b.toml");
  CHECK(util::shell_word("") == "''");
  CHECK(util::shell_word("a b") == "'a b'");
  CHECK(util::shell_word("it's $x") == "'it'\\''s $x'");
}
