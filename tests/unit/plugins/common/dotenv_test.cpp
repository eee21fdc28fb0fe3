// SPDX-License-Identifier: Apache-2.0
#include "common/dotenv.hpp"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

using namespace std::string_literals;
using fbx::common::Dotenv;
using fbx::common::DotenvError;

namespace {

const std::map<std::string, std::string, std::less<>> environment = {
    {"HOME_DIR", "/home/me"}, {"EMPTY", ""}, {"SHADOWED", "from the environment"}};

std::optional<std::string_view> lookup(std::string_view name) {
  const auto found = environment.find(name);
  if (found == environment.end()) return std::nullopt;
  return found->second;
}

Dotenv parse(std::string_view text) { return fbx::common::parse_dotenv(text, "e.env", lookup); }

using Values = std::map<std::string, std::string>;

Values values(std::string_view text) {
  Values out;
  for (const auto& entry : parse(text).entries)
    out.emplace(entry.name, std::string(entry.value.view()));
  return out;
}

std::string error_of(std::string_view text) {
  try {
    parse(text);
  } catch (const DotenvError& e) {
    return e.what();
  }
  return "no error";
}

struct Case {
  std::string text;
  Values expected;
};

void check_all(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(values(c.text) == c.expected);
  }
}

}  // namespace

TEST_CASE("an unquoted value ends at the line's end or at a space and a hash") {
  check_all({{"A=1", {{"A", "1"}}},
             {"", {}},
             {"# only a comment", {}},
             {"A=", {{"A", ""}}},
             {"A= \nB=2", {{"A", ""}, {"B", "2"}}},
             {"A=\n\nB=2\n", {{"A", ""}, {"B", "2"}}},
             {"A= x y  # c", {{"A", "x y"}}},
             {"A=x#y", {{"A", "x#y"}}},
             {"A=x\t#y", {{"A", "x\t#y"}}},
             {"A=#y", {{"A", "#y"}}},
             {"A= #y", {{"A", "#y"}}},
             {"A=a'b'c", {{"A", "a'b'c"}}},
             {"A=a\"b", {{"A", "a\"b"}}},
             {"A=x\\ny", {{"A", "x\\ny"}}},
             {"A=b=c==", {{"A", "b=c=="}}},
             {"A=\vx\v", {{"A", "x"}}},
             {"A=\xC2\xA0x\xE3\x80\x80", {{"A", "x"}}},
             {"  # c\n\n\t A=1 \n  #\n", {{"A", "1"}}}});
}

TEST_CASE("names may be exported, dotted, written with a colon or taken from the environment") {
  check_all({{"export A=1", {{"A", "1"}}},
             {"export\t A=1", {{"A", "1"}}},
             {"exportA=1", {{"exportA", "1"}}},
             {"export=1", {{"export", "1"}}},
             {"A =1", {{"A", "1"}}},
             {"A: 1", {{"A", "1"}}},
             {"A.b-c[0]=1", {{"A.b-c[0]", "1"}}},
             {"1A=x", {{"1A", "x"}}},
             {"\xC3\x84=1", {{"\xC3\x84", "1"}}},
             {"HOME_DIR", {{"HOME_DIR", "/home/me"}}},
             {"HOME_DIR\nB=1", {{"HOME_DIR", "/home/me"}, {"B", "1"}}},
             {"export HOME_DIR\nNOT_THERE\n", {{"HOME_DIR", "/home/me"}}}});
}

TEST_CASE("Windows line ends and a byte order mark are no part of an unquoted value") {
  check_all({{"A=1\r\nB=2\r\n", {{"A", "1"}, {"B", "2"}}},
             {"\xEF\xBB\xBF"
              "A=1",
              {{"A", "1"}}},
             {"A='x\r\ny'\r\nB=\"p\r\nq\"\r\n", {{"A", "x\r\ny"}, {"B", "p\r\nq"}}}});
}

TEST_CASE("single quotes keep everything but an escaped single quote") {
  check_all({{"A='$B ${C} # \"x\" \\n'", {{"A", "$B ${C} # \"x\" \\n"}}},
             {"A='a\\'b'", {{"A", "a'b"}}},
             {"A='a\\\\'", {{"A", "a\\\\"}}},
             {"A='multi\nline'\nB=3", {{"A", "multi\nline"}, {"B", "3"}}},
             {"A='x' # c\nB=2", {{"A", "x"}, {"B", "2"}}},
             {"A='x'# c\nB=2", {{"A", "x"}, {"B", "2"}}},
             {"A='x' B=2", {{"A", "x"}, {"B", "2"}}},
             {"A=''", {{"A", ""}}},
             {"A='\xFF'", {{"A", "\xFF"}}}});
}

TEST_CASE("double quotes know the escapes of Compose, and no others") {
  check_all({{R"(A="a\nb\tc\\d\"e\$f$$g")", {{"A", "a\nb\tc\\d\"e$f$g"}}},
             {R"(A="\r\a\b\f\v")", {{"A", "\r\a\b\f\v"}}},
             {R"(A="\x41\u0041\q\c\'")", {{"A", R"(\x41\u0041\q\c\')"}}},
             {R"(A="\0101\0351")", {{"A", "A\xC3\xA9"}}},
             {R"(A="\01|\0777|\0189|\0")", {{"A", R"(\1|\777|\189|\)"}}},
             {"A=\"a\nb\"", {{"A", "a\nb"}}},
             {R"(A="a # b")", {{"A", "a # b"}}},
             {"B=1\nA=\"\\\\$B\"", {{"A", "\\1"}, {"B", "1"}}}});
}

TEST_CASE("variables come from the lines above, then from the environment") {
  check_all({{"B=1\nA=$B", {{"A", "1"}, {"B", "1"}}},
             {"b=1\nA=${b}x", {{"A", "1x"}, {"b", "1"}}},
             {"A=$HOME_DIR/x", {{"A", "/home/me/x"}}},
             {"A=\"${HOME_DIR}\"", {{"A", "/home/me"}}},
             {"SHADOWED=file\nA=$SHADOWED", {{"A", "file"}, {"SHADOWED", "file"}}},
             {"A=$SHADOWED", {{"A", "from the environment"}}},
             {"A=$NOPE$NOPE", {{"A", ""}}},
             {"B='$C'\nC=1\nA=$B", {{"A", "$C"}, {"B", "$C"}, {"C", "1"}}}});
}

TEST_CASE("defaults, alternatives and required variables work as in Compose") {
  check_all({{"A=${B:-d}", {{"A", "d"}}},
             {"A=${B-d}", {{"A", "d"}}},
             {"A=${B-}", {{"A", ""}}},
             {"B=\nA=${B:-d}|${B-d}|${B:+d}|${B+d}", {{"A", "d|||d"}, {"B", ""}}},
             {"B=1\nA=${B:-d}|${B-d}|${B:+d}|${B+d}", {{"A", "1|1|d|d"}, {"B", "1"}}},
             {"B=\nA=${B?msg}", {{"A", ""}, {"B", ""}}},
             {"B=1\nA=${B:?msg}", {{"A", "1"}, {"B", "1"}}},
             {"A=${B:-${C:-x}}y", {{"A", "xy"}}},
             {"A=${B:-a}${C:-b}", {{"A", "ab"}}},
             {"A=${B:-a'b}", {{"A", "a'b"}}},
             {"A=\"${B:-a}b}\"", {{"A", "ab}"}}},
             {"A=${B:-}}", {{"A", "}"}}},
             {"A=${B:-{x}}", {{"A", "{x}"}}},
             {"A=${B:+${C:-x}}", {{"A", ""}}},
             {"B=1\nA=${B:+${C:-x}}", {{"A", "x"}, {"B", "1"}}},
             {"A=${B:-$$}", {{"A", "$"}}},
             {R"(A="${B:-\"q\"}")", {{"A", "\"q\""}}},
             {"A=${B:-x}$1${C:-y}", {{"A", "x$1y"}}},
             {"A=${B-x?y}", {{"A", "x?y"}}},
             {"A=${B:-x:?y}", {{"A", "x:?y"}}},
             {"A=${B:-a b}", {{"A", "a b"}}}});
}

TEST_CASE("a dollar sign before anything but a name or a brace stays") {
  check_all({{"A=$", {{"A", "$"}}},
             {"A=$1", {{"A", "$1"}}},
             {"A=$$x", {{"A", "$x"}}},
             {"A=$$$$x", {{"A", "$$x"}}},
             {"A=a$ b", {{"A", "a$ b"}}},
             {"A=a$.b", {{"A", "a$.b"}}}});
}

TEST_CASE("of a name set twice the later value counts, and a warning says so") {
  const Dotenv file = parse("A=1\nB=2\nA=3\n");
  REQUIRE(file.entries.size() == 2);
  CHECK(file.find("A")->value.view() == "3");
  CHECK(file.find("A")->place.line == 3);
  REQUIRE(file.warnings.size() == 1);
  CHECK(file.warnings[0].text == "e.env:3:1: A was set before, on line 1; this later value counts");
  CHECK(parse("A=\nA=3\n").warnings.empty());
}

TEST_CASE("a variable that is not set is warned about without naming it") {
  const Dotenv file = parse("PW=pa$word\n");
  REQUIRE(file.warnings.size() == 1);
  CHECK(file.warnings[0].name == "PW");
  CHECK(file.warnings[0].text ==
        "e.env:1:6: in the value of PW: the variable that begins here is not set, so nothing takes "
        "its place; if the $ is a part of the value, put the value in single quotes");
  CHECK(parse("A=${B:-$NOPE}").warnings.size() == 1);
  CHECK(parse("B=1\nA=${B:-$NOPE}").warnings.empty());
  CHECK(parse("A='pa$word'").warnings.empty());
}

TEST_CASE("an error names file, line and column, and says what to write") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"A=1\nB C=2", "e.env:2:3: a name cannot contain a space; expected NAME=value"},
      {"A=1\n  ?=2", "e.env:2:3: this character cannot be in a name; expected NAME=value"},
      {"=x", "e.env:1:1: the name before \"=\" is missing; expected NAME=value"},
      {"\xEF\xBB\xBF=x", "e.env:1:1: the name before \"=\" is missing; expected NAME=value"},
      {"A=1\n\xEF\xBB\xBF"
       "B=x",
       "e.env:2:1: this character cannot be in a name; expected NAME=value"},
      {"A=\"a\"b+c",
       "e.env:1:6: the value of A ends at the quote before this; write a backslash before a quote "
       "that is a part of it"},
      {"X=1\n A='x\ny", "e.env:2:4: the quote of A that opens here is never closed"},
      {"A=\"x\\\"", "e.env:1:3: the quote of A that opens here is never closed"},
      {"A=x${", "e.env:1:4: in the value of A: the ${ is not closed on its line"},
      {"A=\"x\ny${B:-a\nb}\"", "e.env:2:2: in the value of A: the ${ is not closed on its line"},
      {"A=${B:-${C}", "e.env:1:3: in the value of A: the ${ is not closed on its line"},
      {"A=${B:?hush}",
       "e.env:1:3: in the value of A: a ${NAME:?...} needs a variable that is not set"},
      {"B=\nA=\"\\n${B:?hush}\"",
       "e.env:2:6: in the value of A: a ${NAME:?...} needs a variable that is empty"},
      {"A=${B?hush}",
       "e.env:1:3: in the value of A: a ${NAME:?...} needs a variable that is not set"},
      {"A=a\0b"s, "e.env:1:1: the value of A holds a NUL byte, which no environment can carry"},
      {"A=\"\\0000\"",
       "e.env:1:1: the value of A holds a NUL byte, which no environment can carry"}};
  for (const auto& [text, expected] : cases) {
    CAPTURE(text);
    CHECK(error_of(text) == expected);
  }
  const std::string not_a_variable =
      "e.env:1:3: in the value of A: not a variable: expected ${NAME}, ${NAME:-default}, "
      "${NAME:?message} or ${NAME:+other}; write $$ for a $ that is meant as it is";
  for (const char* text : {"A=${}", "A=${1}", "A=${B!x}", "A=${B:x}", "A=${B:}", "A=${:-x}"}) {
    CAPTURE(text);
    CHECK(error_of(text) == not_a_variable);
  }
}

TEST_CASE("no error and no warning quotes a value") {
  const std::string canary = "kanarienvogel";
  for (const std::string& text :
       {"A='" + canary, "A=\"" + canary, canary + "?", "A=x\n" + canary + "+" + canary + "\n",
        "A=${" + canary + "!}", "A=${B:?" + canary + "}", "A=${B:-" + canary,
        "A=\"x\"\n" + canary + " " + canary, "A=$" + canary, "A=${" + canary + "}",
        "A=${" + canary + "?}", "A='" + canary + "'" + canary + " x=1", "A='x' " + canary + " y"}) {
    CAPTURE(text);
    CHECK(error_of(text).find(canary) == std::string::npos);
    if (error_of(text) != "no error") continue;
    for (const auto& warning : parse(text).warnings)
      CHECK(warning.text.find(canary) == std::string::npos);
  }
}

TEST_CASE("nesting and growth have a limit") {
  std::string deep;
  for (int i = 0; i < 70; ++i) deep += "${A:-";
  deep += std::string(70, '}');
  CHECK(error_of("X=" + deep) == "e.env:1:328: in the value of X: more than 64 levels of ${...}");

  std::string laughs = "A0=" + std::string(1024, 'x') + "\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "$A" + std::to_string(i - 1);
    laughs += "A" + std::to_string(i) + "=" + last + last + "\n";
  }
  CHECK(error_of(laughs) == "e.env:12:9: in the value of A11: the value grows over 1 MiB");
}

namespace {

void check_survives(std::string_view value) {
  const auto line = fbx::common::dotenv_line("NAME", value);
  const std::string file = "BEFORE=1\n" + std::string(line.view()) + "AFTER='2'\n";
  CAPTURE(file);
  const Dotenv read = parse(file);
  REQUIRE(read.find("NAME") != nullptr);
  CHECK(read.find("NAME")->value.view() == value);
  CHECK(read.entries.size() == 3);
  CHECK(read.warnings.empty());
}

}  // namespace

TEST_CASE("D12: a value with $, a hash, quotes, line breaks or Unicode survives being written") {
  for (const std::string_view value : {"",
                                       " ",
                                       "plain",
                                       "pa$word",
                                       "${HOME_DIR}",
                                       "$$",
                                       "a #b",
                                       "#",
                                       "it's",
                                       "say \"x\"",
                                       "'\"'",
                                       "back\\slash",
                                       "end\\",
                                       "end\\\\",
                                       "\\'",
                                       "\\\\'",
                                       "\\\"",
                                       "\\n",
                                       "$\\'",
                                       "\\${A}",
                                       "a\nb",
                                       "\n",
                                       "\r\n",
                                       "tab\there",
                                       " outer ",
                                       "=",
                                       "a=b",
                                       "export A=1",
                                       "\xC3\xBC\xE2\x82\xAC",
                                       "\xF0\x9F\x94\x91",
                                       "\xFF\xFE",
                                       "-----BEGIN KEY-----\nabc\n-----END KEY-----\n",
                                       "`id`",
                                       "$(id)",
                                       "%s%n",
                                       "{{ op://a/b/c }}",
                                       "\x01\x7F"})
    check_survives(value);
}

TEST_CASE("D12: every value of hostile characters survives being written") {
  constexpr std::string_view alphabet = "\\'\"$ #\n\r{}A=";
  std::vector<std::string> words = {""};
  for (std::size_t length = 1; length <= 4; ++length) {
    std::vector<std::string> longer;
    for (const std::string& word : words)
      for (const char c : alphabet) longer.push_back(word + c);
    words = std::move(longer);
    for (const std::string& word : words) {
      const auto line = fbx::common::dotenv_line("N", word);
      const Dotenv read = parse(line.view());
      if (read.entries.size() != 1 || read.entries[0].value.view() != word) {
        CAPTURE(word);
        FAIL("changed by being written and read");
      }
    }
  }
  CHECK(words.size() == 20736);
}

TEST_CASE("D12: random bytes survive being written") {
  std::mt19937 random(20261123);
  for (int i = 0; i < 500; ++i) {
    std::string value;
    for (auto n = random() % 60; n > 0; --n) value.push_back(static_cast<char>(1 + random() % 255));
    check_survives(value);
  }
}

TEST_CASE("a value with a NUL byte is not written") {
  CHECK_THROWS_AS(fbx::common::dotenv_line("A", "a\0b"s), std::invalid_argument);
}
