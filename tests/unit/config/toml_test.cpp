// SPDX-License-Identifier: Apache-2.0
// What TOML allows and forbids, in the manner of toml-test: nothing crashes, nothing gets lost.
#include "config/config_error.hpp"
#include "config/render.hpp"
#include "config/toml_guard.hpp"
#include "config/toml_text.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <string>
#include <string_view>

using namespace fusebox::config;

namespace {

std::string json_of(std::string_view text) {
  try {
    return boost::json::serialize(to_json(parse_toml(text, "x.toml")));
  } catch (const ConfigError& error) {
    REQUIRE(error.problems().size() == 1);
    return error.what();
  }
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  all.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

bool too_deep(std::string_view text) {
  return json_of(text).find("nested deeper than 64 levels") != std::string::npos;
}

}  // namespace

TEST_CASE("members keep the order in which they were written") {
  const Value root = parse_toml("z = 1\na = 2\n[m]\nk = 3\n[b]\n[m.d]\n[m.c]\n", "x.toml");
  CHECK(to_toml(root) == "{ z = 1, a = 2, m = { k = 3, d = {}, c = {} }, b = {} }");
}

TEST_CASE("a member stands where its key stands, an element where it begins") {
  const Value root = parse_toml("[a.b]\n  c.d = [ 1,\n  'x' ]\n[[t]]\n[[t]]\nk = 1\n", "x.toml");
  const Table& table = *root.get_if<Table>();
  CHECK(root.origin.str() == "x.toml:1:1");
  CHECK(table.find("a")->origin.str() == "x.toml:1:2");
  const Value& d = *table.find("a")
                        ->get_if<Table>()
                        ->find("b")
                        ->get_if<Table>()
                        ->find("c")
                        ->get_if<Table>()
                        ->find("d");
  CHECK(d.origin.str() == "x.toml:2:5");
  CHECK((*d.get_if<List>())[1].origin.str() == "x.toml:3:3");
  const List& tables = *table.find("t")->get_if<List>();
  CHECK(tables[1].origin.str() == "x.toml:5:1");
  CHECK(tables[1].get_if<Table>()->find("k")->origin.str() == "x.toml:6:1");
}

TEST_CASE("columns count characters, not bytes") {
  const Value root = parse_toml("a = { '\xc3\xa4\xc3\xb6' = 1, b = 2 }\n", "x");
  CHECK(root.get_if<Table>()->find("a")->get_if<Table>()->find("b")->origin.str() == "x:1:17");
}

TEST_CASE("every type of TOML becomes a value") {
  CHECK(json_of("a = [true, 0x1F, 0o17, 0b101, 1_000, +7, -0, 1.5e3, -0.5]") ==
        R"({"a":[true,31,15,5,1000,7,0,1.5E3,-5E-1]})");
  CHECK(json_of("a = [inf, -inf, nan]") == R"({"a":["inf","-inf","nan"]})");
  CHECK(json_of("a = 9223372036854775807\nb = -9223372036854775808") ==
        R"({"a":9223372036854775807,"b":-9223372036854775808})");
}

TEST_CASE("dates and times become strings in their RFC 3339 form") {
  CHECK(
      json_of("a = 1979-05-27T07:32:00Z\nb = 1979-05-27 00:32:00.5-07:00\nc = 1979-05-27T07:32:00\n"
              "d = 1979-05-27\ne = 07:32:00.999999") ==
      R"({"a":"1979-05-27T07:32:00Z","b":"1979-05-27T00:32:00.5-07:00","c":"1979-05-27T07:32:00",)"
      R"("d":"1979-05-27","e":"07:32:00.999999"})");
}

TEST_CASE("strings come through with their escapes and lines") {
  CHECK(json_of(R"(a = "\b\t\n\f\r\"\\\u00e9\U0001F600")") ==
        "{\"a\":\"\\b\\t\\n\\f\\r\\\"\\\\\xc3\xa9\xf0\x9f\x98\x80\"}");
  CHECK(json_of("a = '''\n\\x'''") == R"({"a":"\\x"})");
  CHECK(json_of("a = \"\"\"x \\\n   y\"\"\"") == R"({"a":"x y"})");
  CHECK(json_of("a = \"\"\"\"two\"\"\"\"\"\nb = ''''x''''") == R"({"a":"\"two\"\"","b":"'x'"})");
  CHECK(json_of("\"\" = 1\n'a.b' = 2\n\"x\\ny\" = 3") == "{\"\":1,\"a.b\":2,\"x\\ny\":3}");
}

TEST_CASE("letters outside of ASCII survive after a backslash at a line's end") {
  // toml++ 3.3 took them for unreachable in its test for white space.
  CHECK(json_of("a = \"\"\"\\\n\xc3\xa9\xe2\x82\xac\"\"\"") == "{\"a\":\"\xc3\xa9\xe2\x82\xac\"}");
  CHECK(json_of("a = \xc3\xa9") ==
        "x.toml:1:5: could not determine value type while reading a value (text needs quotes)");
}

TEST_CASE("a byte order mark and line ends of Windows are no matter") {
  CHECK(json_of("\xef\xbb\xbf# c\r\n[a]\r\nb = '''x\r\ny'''\r\n") == R"({"a":{"b":"x\ny"}})");
  CHECK(json_of("\xef\xbb\xbf[.a]") ==
        "x.toml:1:4: expected a table's name after the bracket (write [name])");
}

TEST_CASE("a NUL byte is refused wherever it stands") {
  for (const std::string& text :
       {std::string("\0", 1), std::string("a\0 = 1", 6), std::string("a = \"x\0y\"", 9),
        std::string("a = 1 # \0", 9), std::string("[a\0]", 4)}) {
    CAPTURE(text.size());
    CHECK(json_of(text).starts_with("x.toml:1:"));
  }
}

TEST_CASE("bytes that are no UTF-8 are refused wherever they stand") {
  for (const char* text : {"\xff", "a = \"\xc3\"", "a = '\xed\xa0\x80'", "# \xf8\x88\x80\x80\x80",
                           "a = \"\xc0\xaf\"", "a = \"\xf4\x90\x80\x80\""}) {
    CHECK(json_of(text).starts_with("x.toml:1:"));
  }
}

TEST_CASE("a string of a megabyte is no problem") {
  const std::string text = "a = \"" + std::string(1U << 20U, '.') + "\"\nb = '''" +
                           std::string(1U << 20U, '[') + "'''\n";
  const Value root = parse_toml(text, "x");
  CHECK(root.get_if<Table>()->find("a")->get_if<std::string>()->size() == 1U << 20U);
  CHECK(root.get_if<Table>()->find("b")->get_if<std::string>()->size() == 1U << 20U);
}

TEST_CASE("a text past the limit is refused unread") {
  CHECK(json_of(std::string(largest_text + 1, ' ')) ==
        "x.toml: 16777217 bytes are too much (a file may have 16777216 bytes)");
}

TEST_CASE("nesting is bounded before the parser sees it, however it is written") {
  CHECK_FALSE(too_deep("a = " + std::string(60, '[') + std::string(60, ']')));
  CHECK(too_deep("a = " + std::string(1'000'000, '[')));
  CHECK(too_deep("a = " + repeated("{a=", 1'000'000)));
  CHECK_FALSE(too_deep("a" + repeated(".a", 60) + " = 1"));
  CHECK(too_deep("a" + repeated(".a", 500'000) + " = 1"));
  CHECK(too_deep("a" + repeated(" . 'a'", 500'000) + " = 1"));
  CHECK(too_deep("[a" + repeated(".a", 500'000) + "]"));
  CHECK(too_deep("[[a" + repeated(".\"a\"", 500'000) + "]]"));
  CHECK(too_deep("a = " + repeated("[{" + std::string("b") + repeated(".b", 20) + " = ", 10)));
  // Dots and brackets elsewhere do not count.
  CHECK_FALSE(too_deep("a = '" + std::string(200, '.') + "' # " + std::string(200, '[')));
  CHECK_FALSE(too_deep("a = \"\\\"" + std::string(200, '[') + "\""));
  CHECK_FALSE(too_deep("a = \"\"\"\"\"x" + std::string(200, '[') + "\\\"\"\"\"\"\"\nb = 1"));
  CHECK_FALSE(too_deep("a = [" + repeated("1.5, 2.5,\n", 200) + "]"));
  CHECK_FALSE(too_deep(repeated("[[a.b.c]]\nd.e = {f.g = [[1.5]]}\n", 500)));
}

TEST_CASE("the guard reads strings as the parser does") {
  CHECK_FALSE(refuse_early("a = \"unterminated"));
  CHECK_FALSE(refuse_early("a = \"\"\"unterminated \\"));
  CHECK_FALSE(refuse_early("a = 'x\n[b]\n"));
  CHECK_FALSE(refuse_early("]]}} a = 1"));
  CHECK(refuse_early("a = '''x'''''\n[ .b]")->line == 2);
  CHECK(refuse_early("[[ =")->column == 1);
}

TEST_CASE("what contradicts itself is refused") {
  for (const char* text : {"a = 1\na = 2",
                           "[a]\n[a]",
                           "a.b = 1\n[a]\nb = 1",
                           "[a]\nb = 1\n[a.b]",
                           "a = []\n[[a]]",
                           "[[a]]\n[a]",
                           "a = {b = 1}\na.c = 1",
                           "a = {b = 1, b = 2}",
                           "a = {b = 1,}",
                           "a = [1,,2]",
                           "a = 1__0",
                           "a = 1.",
                           "a = .5",
                           "a = 0x",
                           "a = 1e",
                           "a = +-1",
                           "a = 1979-02-30",
                           "a = 25:00:00",
                           "a = \"\\uD800\"",
                           "a = \"\\U00110000\"",
                           "a == 1",
                           "= 1",
                           "[a]]",
                           "a = tru",
                           "\"\"\"a\"\"\" = 1",
                           "a = 'x' 'y'",
                           "[a] b = 1",
                           "a = \"\\u12\"",
                           "a\n= 1"}) {
    CAPTURE(text);
    CHECK(json_of(text).starts_with("x.toml:"));
  }
}

TEST_CASE("an error never shows a value, which may be a secret") {
  for (const char* text :
       {"password = hunter2-and-more", "password = \"hunter2-and-more\nx",
        "password = 12345678901234567890123", "password = 'hunter2-and-more' x"}) {
    CAPTURE(text);
    const std::string error = json_of(text);
    CHECK(error.starts_with("x.toml:1:"));
    CHECK(error.find("hunter2") == std::string::npos);
    CHECK(error.find("123456") == std::string::npos);
  }
}

TEST_CASE("tables replace in place and forget what is erased") {
  Table table;
  CHECK(table.empty());
  table.set("a", Value{std::int64_t{1}, {}});
  table.set("b", Value{true, {}});
  table.set("a", Value{2.5, {}});
  CHECK(table.size() == 2);
  CHECK(to_toml(Value{table, {}}) == "{ a = 2.5, b = true }");
  table.find("b")->data = false;
  CHECK(table.erase("a"));
  CHECK_FALSE(table.erase("a"));
  CHECK(table.find("a") == nullptr);
  CHECK(to_toml(Value{std::move(table), {}}) == "{ b = false }");
}
