// SPDX-License-Identifier: Apache-2.0
#include "config/schema.hpp"

#include "config/config_error.hpp"
#include "config/toml_text.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <string>
#include <vector>

using namespace fusebox::config;

namespace {

Schema schema_of(const std::string& text) { return read_schema(parse_toml(text, "m.toml")); }

// The canonical JSON of settings that stand in /etc/x/f.toml, or what is wrong with them.
std::string canonical(const std::string& schema, const std::string& settings) {
  std::vector<Problem> problems;
  const auto made = canonicalize(parse_toml(settings, "/etc/x/f.toml"), schema_of(schema),
                                 "[plugins.web]", problems);
  if (problems.empty()) return boost::json::serialize(made);
  std::string text;
  for (const Problem& problem : problems) text += (text.empty() ? "" : "\n") + problem.str();
  return text.starts_with("/etc/x/") ? text.substr(7) : text;
}

const std::string every_type = R"(
b = { type = "boolean" }
c = { type = "string", choices = ["fast", "safe"] }
d = { type = "duration" }
h = { type = "secret" }
i = { type = "integer" }
l = { type = "list", of = "port" }
m = { type = "map", of = "template" }
n = { type = "number" }
o = { type = "port" }
p = { type = "path" }
s = { type = "string" }
t = { type = "template" }
u.type = "table"
u.fields = { name = { type = "string", required = true }, size = { type = "size", default = "1KiB" } }
z = { type = "size" }
)";

struct Case {
  const char* settings;
  const char* result;
};

}  // namespace

TEST_CASE("settings become canonical JSON") {
  const std::vector<Case> cases = {
      {"", "{}"},
      {"b = true", R"({"b":true})"},
      {"c = 'safe'", R"({"c":"safe"})"},
      {"d = '1m30s'", R"({"d":90000})"},
      {"h = { secret = 'PW' }", R"({"h":{"$secret":"PW"}})"},
      {"i = -5", R"({"i":-5})"},
      {"l = [80, 443]", R"({"l":[80,443]})"},
      {"m = { A = 'x', B = { secret = 'PW' } }", R"({"m":{"A":"x","B":{"$secret":"PW"}}})"},
      {"n = 2", R"({"n":2E0})"},
      {"n = 0.5", R"({"n":5E-1})"},
      {"o = 65535", R"({"o":65535})"},
      {"p = 'data'", R"({"p":"/etc/x/data"})"},
      {"p = '/data'", R"({"p":"/data"})"},
      {"p = '~/data'", R"({"p":"/home/somebody/data"})"},
      {"s = '${secret:X}'", R"({"s":"${secret:X}"})"},
      {"t = 'a ${secret:PW} ${OTHER} $'", R"({"t":"a ${secret:PW} ${OTHER} $"})"},
      {"t = { secret = 'PW' }", R"({"t":{"$secret":"PW"}})"},
      {"u = { name = 'x' }", R"({"u":{"name":"x","size":1024}})"},
      {"u = { name = 'x', size = 5 }", R"({"u":{"name":"x","size":5}})"},
      {"z = '2GiB'", R"({"z":2147483648})"},
      {"z = 0", R"({"z":0})"},
  };
  for (const Case& item : cases) {
    CAPTURE(item.settings);
    CHECK(canonical(every_type, item.settings) == item.result);
  }
}

TEST_CASE("settings that the schema does not allow are refused, each with its reason") {
  const std::vector<Case> cases = {
      {"x = 1", R"(f.toml:1:1: unknown key "x" in [plugins.web])"},
      {"b = 1", R"(f.toml:1:1: "b" in [plugins.web] must be a boolean, not an integer)"},
      {"c = 'sfae'",
       R"(f.toml:1:1: "c" in [plugins.web] must be one of "fast", "safe", not "sfae" (did you mean "safe"?))"},
      {"c = 'other'",
       R"(f.toml:1:1: "c" in [plugins.web] must be one of "fast", "safe", not "other")"},
      {"d = 30",
       R"(f.toml:1:1: "d" in [plugins.web] must be a duration, not an integer (write "500ms", "90s", "10m" or "1h30m"))"},
      {"d = '30'",
       R"(f.toml:1:1: "d" in [plugins.web] is not a duration: "30" (write "500ms", "90s", "10m" or "1h30m"))"},
      {"h = 'hunter2'",
       R"(f.toml:1:1: "h" in [plugins.web] must be a secret's handle (write { secret = "NAME" }))"},
      {"h = { secret = 'a-b' }",
       R"(f.toml:1:1: "h" in [plugins.web] names the secret "a-b" (a name has letters, digits and _, and does not start with a digit))"},
      {"i = '5'", R"(f.toml:1:1: "i" in [plugins.web] must be an integer, not a string)"},
      {"i = 5.0", R"(f.toml:1:1: "i" in [plugins.web] must be an integer, not a number)"},
      {"l = 80",
       R"(f.toml:1:1: "l" in [plugins.web] must be a list, not an integer (put it in [ ]))"},
      {"l = [80,\n 0]",
       R"(f.toml:2:2: "l[1]" in [plugins.web] is not a port: 0 (ports are 1 to 65535))"},
      {"m = ['x']", R"(f.toml:1:1: "m" in [plugins.web] must be a table, not a list)"},
      {"m.A = 5",
       R"(f.toml:1:3: "m.A" in [plugins.web] must be a string, not an integer (write { secret = "NAME" } for a secret))"},
      {"n = 'x'", R"(f.toml:1:1: "n" in [plugins.web] must be a number, not a string)"},
      {"n = inf", R"(f.toml:1:1: "n" in [plugins.web] must be a finite number)"},
      {"o = 70000",
       R"(f.toml:1:1: "o" in [plugins.web] is not a port: 70000 (ports are 1 to 65535))"},
      {"o = '80'", R"(f.toml:1:1: "o" in [plugins.web] must be a port, not a string)"},
      {"p = ''", R"(f.toml:1:1: "p" in [plugins.web] is an empty path)"},
      {"s = { secret = 'PW' }",
       R"(f.toml:1:1: "s" in [plugins.web] must be a string, not a table (this field takes no secret))"},
      {"t = 'a ${secret:'",
       R"(f.toml:1:1: "t" in [plugins.web] holds a malformed secret reference (write ${secret:NAME}))"},
      {"t = 'a ${secret:A-B}'",
       R"(f.toml:1:1: "t" in [plugins.web] holds a malformed secret reference (write ${secret:NAME}))"},
      {"t = { sercet = 'PW' }",
       R"(f.toml:1:1: "t" in [plugins.web] must be a secret's handle (write { secret = "NAME" }))"},
      {"u = 1", R"(f.toml:1:1: "u" in [plugins.web] must be a table, not an integer)"},
      {"u = {}", R"(f.toml:1:1: "u" in [plugins.web] needs "name" (write name = "..."))"},
      {"u = { nmae = 'x', name = 'x' }",
       R"(f.toml:1:7: unknown key "u.nmae" in [plugins.web] (did you mean "name"?))"},
      {"z = '1 GB'",
       R"(f.toml:1:1: "z" in [plugins.web] is not a size: "1 GB" (write "64KiB", "10MB", "2GiB", or a number of bytes))"},
      {"z = -1",
       R"(f.toml:1:1: "z" in [plugins.web] is not a size: -1 (write "64KiB", "10MB", "2GiB", or a number of bytes))"},
      {"z = 1.5",
       R"(f.toml:1:1: "z" in [plugins.web] must be a size, not a number (write "64KiB", "10MB", "2GiB", or a number of bytes))"},
  };
  for (const Case& item : cases) {
    CAPTURE(item.settings);
    CHECK(canonical(every_type, item.settings) == item.result);
  }
}

TEST_CASE("all that is wrong is reported at once") {
  const std::string errors = canonical(every_type, "b = 1\ni = 'x'\nzz = 1\n");
  CHECK(std::count(errors.begin(), errors.end(), '\n') == 2);
}

TEST_CASE("what is required must be there, and the error shows how it looks") {
  const std::vector<Case> cases = {
      {"string", R"(x = "...")"},   {"template", R"(x = "...")"},
      {"path", R"(x = "...")"},     {"secret", R"(x = { secret = "NAME" })"},
      {"integer", "x = 1"},         {"number", "x = 1"},
      {"port", "x = 8080"},         {"boolean", "x = true"},
      {"duration", R"(x = "30s")"}, {"size", R"(x = "64MiB")"},
  };
  for (const Case& item : cases) {
    CAPTURE(item.settings);
    const std::string schema =
        "x = { type = '" + std::string(item.settings) + "', required = true }";
    CHECK(canonical(schema, "") ==
          "f.toml:1:1: [plugins.web] needs \"x\" (write " + std::string(item.result) + ")");
  }
  CHECK(canonical("x = { type = 'list', of = 'string', required = true }", "")
            .ends_with("(write x = [...])"));
  CHECK(canonical("x = { type = 'table', fields = {}, required = true }", "")
            .ends_with("(write x = { ... })"));
  CHECK(canonical("x = { type = 'string', choices = ['a'], required = true }", "")
            .ends_with("(write x = \"a\")"));
}

TEST_CASE("defaults are filled in, in canonical form") {
  const std::string schema = R"(
a = { type = "duration", default = "1m" }
b = { type = "path", default = "data" }
c = { type = "list", of = "path", default = ["one"] }
d = { type = "table", fields = { e = { type = "port", default = 80 } }, default = {} }
f = { type = "table", fields = { e = { type = "port", default = 80 } } }
)";
  CHECK(canonical(schema, "") ==
        R"({"a":60000,"b":"/etc/x/data","c":["/etc/x/one"],"d":{"e":80}})");
}

TEST_CASE("settings that are no table are refused") {
  std::vector<Problem> problems;
  CHECK(canonicalize(Value{true, {"f", 1, 2}}, {}, "[plugins.web]", problems).empty());
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].str() == "f:1:2: [plugins.web] must be a table, not a boolean");
}

TEST_CASE("the secrets of settings are found wherever they are") {
  const Schema schema = schema_of(every_type + R"(
w = { type = "list", of = { type = "table", fields = { k = { type = "secret" } } } }
)");
  std::vector<Problem> problems;
  const auto made = canonicalize(parse_toml(R"(
h = { secret = "HANDLE" }
m = { A = "${secret:IN_MAP} and ${secret:HANDLE}", B = { secret = "MAP_HANDLE" } }
s = "${secret:NOT_IN_A_STRING}"
t = "${secret:ONE}${secret:TWO}${NOT}"
u.name = "x"
w = [{ k = { secret = "IN_LIST" } }, {}]
)",
                                            "f"),
                                 schema, "[x]", problems);
  CHECK(problems.empty());
  CHECK(secret_names(made, schema) ==
        std::vector<std::string>{"HANDLE", "IN_LIST", "IN_MAP", "MAP_HANDLE", "ONE", "TWO"});
}

TEST_CASE("a schema that is wrong is refused as a whole") {
  CHECK_THROWS_WITH_AS(
      schema_of("a = { type = 'prot' }\nb = 1\n"),
      "m.toml:1:7: unknown type \"prot\" in [config.a] (did you mean \"port\"?)\n"
      "m.toml:2:1: [config.b] must be a table, not an integer (write { type = \"string\" })",
      ConfigError);
  CHECK_THROWS_AS(read_schema(Value{true, {}}), ConfigError);
}
