// SPDX-License-Identifier: Apache-2.0
// Every mistake that a configuration can hold, with the exact words about it.
#include "config/config.hpp"
#include "config/config_error.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace fusebox::config;

namespace {

struct Mistake {
  const char* name;
  std::string text;
  const char* errors;
};

const std::string stack = "[stack]\nname = \"x\"\n";

std::string dotted(int parts) {
  std::string key = "a";
  for (int i = 1; i < parts; ++i) key += ".a";
  return key;
}

// clang-format off
const std::vector<Mistake> mistakes = {
    {"an empty file",
     "",
     R"(f.toml:1:1: [stack] has no "name" (write name = "langfuse"))"},
    {"no value",
     R"([stack]
name =
)",
     R"(f.toml:2:7: expected value, saw '\n' while reading a key-value pair (write a value after the =))"},
    {"no equals sign",
     R"([stack]
name "x"
)",
     R"(f.toml:2:6: expected '=', saw '"' while reading a key-value pair (write key = value; a key needs quotes unless it is of A-Z a-z 0-9 _ -))"},
    {"an unquoted value",
     R"([stack]
name = langfuse
)",
     R"(f.toml:2:8: could not determine value type while reading a value (text needs quotes))"},
    {"an unterminated string",
     R"([stack]
name = "lang
)",
     R"(f.toml:2:13: unescaped control character while reading a string (a string ends on its line, write """ for more lines))"},
    {"a string that ends with the file",
     R"([stack]
name = "lang)",
     R"(f.toml:2:13: encountered end-of-file while reading a string (close the string with the quote that opened it))"},
    {"an unterminated multi-line string",
     R"(a = """x
)",
     R"(f.toml:1:10: encountered end-of-file while reading a string (close the string with the quote that opened it))"},
    {"an unterminated list",
     "a = [1, 2\n",
     R"(f.toml:1:11: encountered end-of-file while reading an array (close the list with ]))"},
    {"an unterminated inline table",
     "a = { b = 1",
     R"(f.toml:1:12: encountered end-of-file while reading an inline table (close the table with }))"},
    {"an unterminated table header",
     R"([stack
name = "x"
)",
     R"(f.toml:1:7: expected ']', saw '\n' while reading a table header)"},
    {"a header without a name",
     "[ ]\n",
     R"(f.toml:1:3: tables with blank bare keys are explicitly prohibited while reading a table header (write [name]))"},
    {"a header that starts with a dot",
     R"([a]
  [.b]
)",
     R"(f.toml:2:3: expected a table's name after the bracket (write [name]))"},
    {"a key twice",
     R"(a = 1
a = 2
)",
     R"(f.toml:2:5: cannot redefine existing integer 'a' while reading a key-value pair (a key may stand only once in its table))"},
    {"a table twice",
     stack + "[stack]\n",
     R"(f.toml:3:1: cannot redefine existing table 'stack' while reading a table header (write each table once, and its keys together))"},
    {"a dotted key through a string",
     R"(a = "x"
a.b = 1
)",
     R"(f.toml:2:1: cannot redefine existing string as dotted key-value pair while reading a key-value pair (a key may stand only once in its table))"},
    {"a header through an inline table",
     R"(a = { b = 1 }
[a.c]
)",
     R"(f.toml:2:7: cannot insert 'a.c' into existing inline table while reading a table header (a table in { } is complete, add the key inside of it))"},
    {"a list of tables over a table",
     R"([a]
[[a]]
)",
     R"(f.toml:2:1: cannot redefine existing table 'a' as array-of-tables while reading a table header (write each table once, and its keys together))"},
    {"a key of other letters",
     "größe = 1\n",
     R"(f.toml:1:3: expected '=', saw 'ö' while reading a key-value pair (write key = value; a key needs quotes unless it is of A-Z a-z 0-9 _ -))"},
    {"an unknown escape",
     R"(a = "C:\dir"
)",
     R"(f.toml:1:9: unknown escape sequence '\d' while reading a string (write \\ for one backslash, or use '...', which has no escapes))"},
    {"a control character",
     std::string("a = \"x\001y\"\n", 10),
     R"(f.toml:1:7: unescaped control character while reading a string (a string ends on its line, write """ for more lines))"},
    {"a NUL byte",
     std::string("a = 1\0\n", 7),
     R"(f.toml:1:6: expected digit, saw '\u0000' while reading a decimal integer)"},
    {"bytes that are no UTF-8",
     std::string("a = \"\xff\"\n", 8),
     R"(f.toml:1:5: encountered invalid utf-8 sequence (save the file as UTF-8))"},
    {"an integer past 64 bits",
     "a = 9223372036854775808\n",
     R"(f.toml:1:24: the value is not representable in 64 bits while reading a decimal integer (integers have 64 bits; use quotes for text))"},
    {"a leading zero",
     "a = 010\n",
     R"(f.toml:1:8: leading zeroes are prohibited while reading a decimal integer (text needs quotes))"},
    {"a month that is none",
     "a = 1979-13-01\n",
     R"(f.toml:1:12: expected month between 1 and 12 (inclusive), saw 13 while reading a date)"},
    {"something after the value",
     "a = 1 2\n",
     R"(f.toml:1:7: expected a comment or whitespace, saw '2' while reading a key-value pair (one key or table on a line))"},
    {"nesting past the limit",
     "a = " + std::string(70, '[') + std::string(70, ']') + "\n",
     R"(f.toml:1:69: nested deeper than 64 levels)"},
    {"dotted keys past the limit",
     dotted(70) + " = 1\n",
     R"(f.toml:1:130: nested deeper than 64 levels)"},
    {"an unknown key at the top level",
     R"([stck]
name = "x"
)",
     R"(f.toml:1:1: [stack] has no "name" (write name = "langfuse")
f.toml:1:2: unknown key "stck" at the top level (did you mean "stack"?))"},
    {"an unknown key that is like no other",
     stack + "[zzz]\n",
     R"(f.toml:3:2: unknown key "zzz" at the top level (known: stack, plugins, use, phases, commands))"},
    {"no name",
     R"([stack]
versions = "v"
)",
     R"(f.toml:1:2: [stack] has no "name" (write name = "langfuse"))"},
    {"an empty name",
     R"([stack]
name = ""
)",
     R"(f.toml:2:1: "name" in [stack] is empty (write name = "langfuse"))"},
    {"a name of the wrong type",
     R"([stack]
name = 5
)",
     R"(f.toml:2:1: "name" in [stack] must be a string, not an integer)"},
    {"a name with a slash",
     R"([stack]
name = "../x"
)",
     R"(f.toml:2:1: "../x" is not a stack's name (use a-z, 0-9, - and _, with a letter or digit first))"},
    {"stack is no table",
     R"(stack = "x"
)",
     R"(f.toml:1:1: "stack" at the top level must be a table, not a string)"},
    {"an unknown key in [stack]",
     stack + R"(verions = "v"
)",
     R"(f.toml:3:1: unknown key "verions" in [stack] (did you mean "versions"?))"},
    {"plugin_dirs that is no list",
     stack + R"(plugin_dirs = "p"
)",
     R"(f.toml:3:1: "plugin_dirs" in [stack] must be a list, not a string)"},
    {"plugin_dirs with a number",
     stack + R"(plugin_dirs = ["p", 1]
)",
     R"(f.toml:3:21: "plugin_dirs[1]" in [stack] must be a string, not an integer)"},
    {"plugins that is no table",
     R"(plugins = []
[stack]
name = "x"
)",
     R"(f.toml:1:1: "plugins" at the top level must be a table, not a list)"},
    {"a plugin that is no table",
     stack + R"([plugins]
web = "probe-http"
)",
     R"(f.toml:4:1: [plugins.web] must be a table, not a string)"},
    {"a plugin's bad name",
     stack + "[plugins.Web]\n",
     R"(f.toml:3:10: "Web" in [plugins] is not a name (use a-z, 0-9 and -, with a letter first))"},
    {"use of the wrong type",
     stack + R"([plugins.web]
use = ["probe-http"]
)",
     R"(f.toml:4:1: "use" in [plugins.web] must be a string, not a list)"},
    {"use with a bad name",
     stack + R"([plugins.web]
use = "Probe HTTP"
)",
     R"(f.toml:4:1: "use" in [plugins.web] must not be "Probe HTTP" (use a-z, 0-9 and -, with a letter first))"},
    {"isolation, which is reserved",
     stack + R"([plugins.web]
isolation = "process"
)",
     R"(f.toml:4:1: "isolation" in [plugins.web] is reserved for a later version (remove it))"},
    {"[use] with a number",
     stack + R"([use]
runtime = 1
)",
     R"(f.toml:4:1: "runtime" in [use] must be a string, not an integer)"},
    {"[use] with a bad name",
     stack + R"([use]
runtime = "a.b"
)",
     R"(f.toml:4:1: "a.b" in [use] is not a plugin's name (use a-z, 0-9 and -, with a letter first))"},
    {"a phase that is no table",
     stack + R"([phases]
up = ["a.b"]
)",
     R"(f.toml:4:1: [phases.up] must be a table, not a list)"},
    {"a phase's bad name",
     stack + R"([phases."go up"]
steps = []
)",
     R"(f.toml:3:9: "go up" in [phases] is not a name (use a-z, 0-9 and -, with a letter first))"},
    {"a phase without steps",
     stack + "[phases.up]\n",
     R"(f.toml:3:9: [phases.up] has no "steps" (write steps = ["<plugin>.<verb>"]))"},
    {"an unknown key in a phase",
     stack + R"([phases.up]
step = ["a.b"]
steps = []
on_failur = "undo"
)",
     R"(f.toml:4:1: unknown key "step" in [phases.up] (did you mean "steps"?)
f.toml:6:1: unknown key "on_failur" in [phases.up] (did you mean "on_failure"?))"},
    {"an unknown on_failure",
     stack + R"([phases.up]
on_failure = "contine"
steps = []
)",
     R"(f.toml:4:1: "on_failure" in [phases.up] must be one of "undo", "stop", "continue", not "contine" (did you mean "continue"?))"},
    {"steps that is no list",
     stack + R"([phases.up]
steps = "a.b"
)",
     R"(f.toml:4:1: "steps" in [phases.up] must be a list, not a string)"},
    {"a step without a verb",
     stack + R"([phases.up]
steps = ["probe-redis"]
)",
     R"(f.toml:4:10: [phases.up] steps[0] is not a step: "probe-redis" (write "<plugin>.<verb>"))"},
    {"a step with two dots",
     stack + R"([phases.up]
steps = ["a.b.c"]
)",
     R"(f.toml:4:10: [phases.up] steps[0] is not a step: "a.b.c" (write "<plugin>.<verb>"))"},
    {"a step that is a number",
     stack + R"([phases.up]
steps = [7]
)",
     R"(f.toml:4:10: [phases.up] steps[0] must be a step, not an integer (write "<plugin>.<verb>" or { step = "<plugin>.<verb>", timeout = "30s" }))"},
    {"an empty group",
     stack + R"([phases.up]
steps = [[]]
)",
     R"(f.toml:4:10: [phases.up] steps[0] is an empty group (remove it))"},
    {"a group within a group",
     stack + R"([phases.up]
steps = [["a.b", ["c.d"]]]
)",
     R"(f.toml:4:18: [phases.up] steps[0][1] is a group within a group (the steps of a group run in parallel; put groups one after the other))"},
    {"a step's table without a step",
     stack + R"([phases.up]
steps = [{ timeout = "1s" }]
)",
     R"(f.toml:4:10: [phases.up] steps[0] has no "step" (write step = "<plugin>.<verb>"))"},
    {"an unknown key in a step",
     stack + R"([phases.up]
steps = [{ step = "a.b", timeot = "1s" }]
)",
     R"(f.toml:4:26: unknown key "timeot" in [phases.up] steps[0] (did you mean "timeout"?))"},
    {"a timeout without a unit",
     stack + R"([phases.up]
steps = [{ step = "a.b", timeout = "10" }]
)",
     R"(f.toml:4:26: "timeout" in [phases.up] steps[0] is not a duration (write "500ms", "90s", "10m" or "1h30m"))"},
    {"a timeout that is a number",
     stack + R"([phases.up]
steps = [{ step = "a.b", timeout = 10 }]
)",
     R"(f.toml:4:26: "timeout" in [phases.up] steps[0] is not a duration (write "500ms", "90s", "10m" or "1h30m"))"},
    {"a timeout of zero",
     stack + R"([phases.up]
steps = [{ step = "a.b", timeout = "0s" }]
)",
     R"(f.toml:4:26: "timeout" in [phases.up] steps[0] is zero)"},
    {"too many retries",
     stack + R"([phases.up]
steps = [{ step = "a.b", retries = 1000 }]
)",
     R"(f.toml:4:26: "retries" in [phases.up] steps[0] must be 0 to 100, not 1000)"},
    {"retries as text",
     stack + R"([phases.up]
steps = [{ step = "a.b", retries = "3" }]
)",
     R"(f.toml:4:26: "retries" in [phases.up] steps[0] must be an integer, not a string)"},
    {"with that is no table",
     stack + R"([phases.up]
steps = [{ step = "a.b", with = [] }]
)",
     R"(f.toml:4:26: "with" in [phases.up] steps[0] must be a table, not a list)"},
    {"a command without anything",
     stack + "[commands.db-shell]\n",
     R"(f.toml:3:11: [commands.db-shell] has no "service" (write service = "postgres")
f.toml:3:11: [commands.db-shell] has no "command" (write command = ["psql"]))"},
    {"a command as one string",
     stack + R"([commands.db-shell]
service = "db"
command = "psql -U x"
)",
     R"(f.toml:5:1: "command" in [commands.db-shell] must be a list, not a string)"},
    {"an empty command",
     stack + R"([commands.db-shell]
service = "db"
command = []
)",
     R"(f.toml:5:1: "command" in [commands.db-shell] is empty (write command = ["psql"]))"},
    {"an environment with a number",
     stack + R"([commands.sh]
service = "db"
command = ["sh"]
environment = { PORT = 1 }
)",
     R"(f.toml:6:17: "environment.PORT" in [commands.sh] must be a string, not an integer (write text, or { secret = "NAME" }))"},
    {"an environment with a broken handle",
     stack + R"([commands.sh]
service = "db"
command = ["sh"]
environment = { P = { secre = "X" } }
)",
     R"(f.toml:6:17: "environment.P" in [commands.sh] must be a string, not a table (write text, or { secret = "NAME" }))"},
    {"an unknown key in a command",
     stack + R"([commands.sh]
service = "db"
command = ["sh"]
hlep = "x"
)",
     R"(f.toml:6:1: unknown key "hlep" in [commands.sh] (did you mean "help"?))"},
    {"everything at once",
     R"([stack]
nam = "x"
[phases.up]
on_failure = 1
steps = ["a"]
[plugin.web]
)",
     R"(f.toml:1:2: [stack] has no "name" (write name = "langfuse")
f.toml:2:1: unknown key "nam" in [stack] (did you mean "name"?)
f.toml:4:1: "on_failure" in [phases.up] must be a string, not an integer
f.toml:5:10: [phases.up] steps[0] is not a step: "a" (write "<plugin>.<verb>")
f.toml:6:2: unknown key "plugin" at the top level (did you mean "plugins"?))"},
};
// clang-format on

std::string errors_of(const std::string& text) {
  LoadOptions options;
  options.file = "f.toml";
  try {
    load(parse_toml(text, "f.toml"), options);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("a malformed configuration is refused with the place, the reason and what to write") {
  for (const Mistake& mistake : mistakes) {
    CAPTURE(mistake.name);
    CHECK(errors_of(mistake.text) == mistake.errors);
  }
}
