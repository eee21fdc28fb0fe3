// SPDX-License-Identifier: Apache-2.0
// Every mistake that a manifest can hold, with the exact words about it.
#include "config/config_error.hpp"
#include "plugin/manifest.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace fusebox;

namespace {

struct Mistake {
  const char* name;
  std::string text;
  const char* errors;
};

const std::string head =
    "fusebox_manifest = 1\nid = \"a\"\nversion = \"1.0.0\"\nsummary = \"s\"\nlicense = \"MIT\"\n"
    "provides = [\"fusebox.step/1\"]\n";

// clang-format off
const std::vector<Mistake> mistakes = {
    {"an empty file",
     "",
     R"(a.fusebox.toml:1:1: the file has no "fusebox_manifest" (write fusebox_manifest = 1))"},
    {"no TOML",
     "id: a\n",
     R"(a.fusebox.toml:1:3: expected '=', saw ':' while reading a key-value pair (write key = value; a key needs quotes unless it is of A-Z a-z 0-9 _ -))"},
    {"a newer format",
     R"(fusebox_manifest = 2
unknown = 1
)",
     R"(a.fusebox.toml:1:1: manifest format 2 is unknown, this fusebox reads 1 (update fusebox))"},
    {"an impossible format",
     "fusebox_manifest = 0\n",
     R"(a.fusebox.toml:1:1: manifest format 0 is unknown, this fusebox reads 1 (write fusebox_manifest = 1))"},
    {"a format as text",
     R"(fusebox_manifest = "1"
)",
     R"(a.fusebox.toml:1:1: "fusebox_manifest" at the top level must be an integer, not a string)"},
    {"nothing but the format",
     "fusebox_manifest = 1\n",
     R"(a.fusebox.toml:1:1: the file has no "id" (write id = "<vendor>-<what>")
a.fusebox.toml:1:1: the file has no "version" (write version = "1.0.0")
a.fusebox.toml:1:1: the file has no "summary" (write summary = "what it does")
a.fusebox.toml:1:1: the file has no "license" (write license = "Apache-2.0")
a.fusebox.toml:1:1: the file has no "provides" (write provides = ["fusebox.step/1"]))"},
    {"an id with capitals",
     R"(fusebox_manifest = 1
id = "Probe"
version = "1.0.0"
summary = "s"
license = "MIT"
provides = ["fusebox.step/1"]
)",
     R"(a.fusebox.toml:2:1: "Probe" is not a plugin's id (use a-z, 0-9 and -, with a letter first))"},
    {"an id that is not the file's name",
     R"(fusebox_manifest = 1
id = "b"
version = "1.0.0"
summary = "s"
license = "MIT"
provides = ["fusebox.step/1"]
)",
     R"(a.fusebox.toml:2:1: the id is "b" but the file is "a.fusebox.toml" (name the file b.fusebox.toml))"},
    {"a version of two numbers",
     R"(fusebox_manifest = 1
id = "a"
version = "1.0"
summary = "s"
license = "MIT"
provides = ["fusebox.step/1"]
)",
     R"(a.fusebox.toml:3:1: "1.0" is not a semantic version (write version = "1.0.0"))"},
    {"a version with a leading zero",
     R"(fusebox_manifest = 1
id = "a"
version = "1.02.0"
summary = "s"
license = "MIT"
provides = ["fusebox.step/1"]
)",
     R"(a.fusebox.toml:3:1: "1.02.0" is not a semantic version (write version = "1.0.0"))"},
    {"a version with an empty pre-release",
     R"(fusebox_manifest = 1
id = "a"
version = "1.0.0-"
summary = "s"
license = "MIT"
provides = ["fusebox.step/1"]
)",
     R"(a.fusebox.toml:3:1: "1.0.0-" is not a semantic version (write version = "1.0.0"))"},
    {"an empty summary",
     R"(fusebox_manifest = 1
id = "a"
version = "1.0.0"
summary = ""
license = "MIT"
provides = ["fusebox.step/1"]
)",
     R"(a.fusebox.toml:4:1: "summary" at the top level is empty (write summary = "what it does"))"},
    {"a license of the wrong type",
     R"(fusebox_manifest = 1
id = "a"
version = "1.0.0"
summary = "s"
license = ["MIT"]
provides = ["fusebox.step/1"]
)",
     R"(a.fusebox.toml:5:1: "license" at the top level must be a string, not a list)"},
    {"an unknown key",
     head + R"(progams = ["op"]
)",
     R"(a.fusebox.toml:7:1: unknown key "progams" at the top level (did you mean "programs"?))"},
    {"provides as text",
     R"(fusebox_manifest = 1
id = "a"
version = "1.0.0"
summary = "s"
license = "MIT"
provides = "fusebox.step/1"
)",
     R"(a.fusebox.toml:6:1: "provides" at the top level must be a list, not a string)"},
    {"an interface without a revision",
     R"(fusebox_manifest = 1
id = "a"
version = "1.0.0"
summary = "s"
license = "MIT"
provides = ["fusebox.step"]
)",
     R"(a.fusebox.toml:6:13: "provides" must not hold "fusebox.step" (write <vendor>.<area>/<revision>))"},
    {"an interface without a vendor",
     R"(fusebox_manifest = 1
id = "a"
version = "1.0.0"
summary = "s"
license = "MIT"
provides = ["step/1"]
)",
     R"(a.fusebox.toml:6:13: "provides" must not hold "step/1" (write <vendor>.<area>/<revision>))"},
    {"an interface of revision 0",
     head + R"(wants = ["fusebox.runtime/0"]
)",
     R"(a.fusebox.toml:7:10: "wants" must not hold "fusebox.runtime/0" (write <vendor>.<area>/<revision>))"},
    {"an interface twice",
     head + R"(wants = ["x.y/1", "x.y/1"]
)",
     R"(a.fusebox.toml:7:19: "wants" holds "x.y/1" twice (remove one))"},
    {"an interface on both sides",
     head + R"(requires = ["fusebox.step/1"]
)",
     R"(a.fusebox.toml:7:1: "fusebox.step/1" is in "provides" and in "requires" (remove it from one))"},
    {"an interface that is provided and offered",
     head + R"(offers = ["fusebox.step/1"]
)",
     R"(a.fusebox.toml:7:1: "fusebox.step/1" is in "provides" and in "offers" (remove it from one))"},
    {"a secret's bad name",
     head + R"(secrets = ["my-token"]
)",
     R"(a.fusebox.toml:7:12: "secrets" must not hold "my-token" (use letters, digits and _))"},
    {"a program with a path",
     head + R"(programs = ["/usr/bin/op"]
)",
     R"(a.fusebox.toml:7:13: "programs" must not hold "/usr/bin/op" (name a program, not its path))"},
    {"verbs without the step interface",
     R"(fusebox_manifest = 1
id = "a"
version = "1.0.0"
summary = "s"
license = "MIT"
provides = ["x.y/1"]
[verbs.go]
summary = "s"
effect = "none"
)",
     R"(a.fusebox.toml:6:1: there are verbs, but "provides" has no "fusebox.step/1" (add it))"},
    {"a verb that is no table",
     head + R"([verbs]
go = 1
)",
     R"(a.fusebox.toml:8:1: [verbs.go] must be a table, not an integer)"},
    {"a verb's bad name",
     head + "[verbs.Go]\n",
     R"(a.fusebox.toml:7:8: "Go" in [verbs] is not a name (use a-z, 0-9 and -, with a letter first))"},
    {"a verb without anything",
     head + "[verbs.go]\n",
     R"(a.fusebox.toml:7:8: [verbs.go] has no "summary" (write summary = "what it does")
a.fusebox.toml:7:8: [verbs.go] has no "effect" (write effect = "none" or "change"))"},
    {"an unknown effect",
     head + R"([verbs.go]
summary = "s"
effect = "chnage"
)",
     R"(a.fusebox.toml:9:1: "effect" in [verbs.go] must be one of "none", "change", not "chnage" (did you mean "change"?))"},
    {"undo of what has no effect",
     head + R"([verbs.go]
summary = "s"
effect = "none"
undo = true
)",
     R"(a.fusebox.toml:10:1: [verbs.go] has no effect, so there is nothing to undo (remove undo, or write effect = "change"))"},
    {"undo as text",
     head + R"([verbs.go]
summary = "s"
effect = "change"
undo = "yes"
)",
     R"(a.fusebox.toml:10:1: "undo" in [verbs.go] must be a boolean, not a string)"},
    {"a timeout without a unit",
     head + R"([verbs.go]
summary = "s"
effect = "none"
timeout = "5"
)",
     R"(a.fusebox.toml:10:1: "timeout" in [verbs.go] is not a duration (write "500ms", "90s", "10m" or "1h30m"))"},
    {"an unknown key in a verb",
     head + R"([verbs.go]
summary = "s"
effect = "none"
time_out = "5s"
)",
     R"(a.fusebox.toml:10:1: unknown key "time_out" in [verbs.go] (did you mean "timeout"?))"},
    {"options that are no table",
     head + R"([verbs.go]
summary = "s"
effect = "none"
options = []
)",
     R"(a.fusebox.toml:10:1: [verbs.go.options] must be a table, not a list)"},
    {"an option without a type",
     head + R"([verbs.go]
summary = "s"
effect = "none"
[verbs.go.options.wait]
default = "1s"
)",
     R"(a.fusebox.toml:10:19: [verbs.go.options.wait] has no "type" (write type = "string"))"},
    {"a field that is no table",
     head + R"([config]
port = "port"
)",
     R"(a.fusebox.toml:8:1: [config.port] must be a table, not a string (write { type = "string" }))"},
    {"a field's bad name",
     head + R"([config."a b"]
type = "string"
)",
     R"(a.fusebox.toml:7:9: "a b" in [config] is not a field's name (use letters, digits, _ and -))"},
    {"an unknown type",
     head + R"([config.port]
type = "prot"
)",
     R"(a.fusebox.toml:8:1: unknown type "prot" in [config.port] (did you mean "port"?))"},
    {"a type that is like no other",
     head + R"([config.port]
type = "uint16_t"
)",
     R"(a.fusebox.toml:8:1: unknown type "uint16_t" in [config.port] (known: string, template, secret, integer, number, boolean, port, duration, size, path, list, map, table))"},
    {"an unknown key in a field",
     head + R"([config.port]
type = "port"
requird = true
)",
     R"(a.fusebox.toml:9:1: unknown key "requird" in [config.port] (did you mean "required"?))"},
    {"a default of the wrong type",
     head + R"([config.port]
type = "port"
default = "6379"
)",
     R"(a.fusebox.toml:9:1: "default" in [config.port] must be a port, not a string)"},
    {"a default that is no choice",
     head + R"([config.mode]
type = "string"
choices = ["fast", "safe"]
default = "fats"
)",
     R"(a.fusebox.toml:10:1: "default" in [config.mode] must be one of "fast", "safe", not "fats" (did you mean "fast"?))"},
    {"required with a default",
     head + R"([config.port]
type = "port"
required = true
default = 1
)",
     R"(a.fusebox.toml:10:1: [config.port] is required and has a default (remove one of the two))"},
    {"choices of a number",
     head + R"([config.n]
type = "integer"
choices = ["1"]
)",
     R"(a.fusebox.toml:9:1: "choices" in [config.n] is for a string)"},
    {"a list of nothing",
     head + R"([config.l]
type = "list"
)",
     R"(a.fusebox.toml:7:9: [config.l] has no "of" (write of = "string"))"},
    {"a list of lists in short",
     head + R"([config.l]
type = "list"
of = "list"
)",
     R"(a.fusebox.toml:9:1: "of" in [config.l] must be a table that describes the list (write of = { type = "list", of = ... }))"},
    {"a map of tables in short",
     head + R"([config.l]
type = "map"
of = "table"
)",
     R"(a.fusebox.toml:9:1: "of" in [config.l] must be a table that describes the table (write of = { type = "table", fields = ... }))"},
    {"an unknown element type",
     head + R"([config.l]
type = "list"
of = "strings"
)",
     R"(a.fusebox.toml:9:1: unknown type "strings" in [config.l] (did you mean "string"?))"},
    {"elements of a string",
     head + R"([config.s]
type = "string"
of = "string"
)",
     R"(a.fusebox.toml:9:1: "of" in [config.s] is for a list or a map)"},
    {"a table without fields",
     head + R"([config.t]
type = "table"
)",
     R"(a.fusebox.toml:7:9: [config.t] has no "fields" (a table whose keys the user chooses is a map))"},
    {"fields of a string",
     head + R"([config.s]
type = "string"
fields = {}
)",
     R"(a.fusebox.toml:9:1: "fields" in [config.s] is for a table)"},
    {"a mistake deep within",
     head + R"([config.t]
type = "table"
fields.l = { type = "list", of = { type = "map", of = "strin" } }
)",
     R"(a.fusebox.toml:9:50: unknown type "strin" in [config.t.fields.l.of] (did you mean "string"?))"},
    {"a name that belongs to fusebox",
     head + R"([config.use]
type = "string"
)",
     R"(a.fusebox.toml:7:9: [config.use] is taken: the key belongs to fusebox (choose another name))"},
    {"config that is no table",
     head + "config = 1\n",
     R"(a.fusebox.toml:7:1: [config] must be a table, not an integer)"},
    {"commands as a table",
     head + R"([commands.scan]
verb = "go"
)",
     R"(a.fusebox.toml:7:2: "commands" at the top level must be a list, not a table)"},
    {"a command without anything",
     head + "[[commands]]\n",
     R"(a.fusebox.toml:7:1: [[commands]] number 1 has no "name" (write name = "scan")
a.fusebox.toml:7:1: [[commands]] number 1 has no "summary" (write summary = "what it does")
a.fusebox.toml:7:1: [[commands]] number 1 has no "verb" (write verb = "<one of [verbs]>"))"},
    {"a command with an unknown verb",
     head + R"([verbs.scan]
summary = "s"
effect = "none"
[[commands]]
name = "scan"
summary = "s"
verb = "scna"
)",
     R"(a.fusebox.toml:13:1: [[commands]] number 1 runs the verb "scna", which [verbs] does not have (did you mean "scan"?))"},
    {"a command whose argument is no option",
     head + R"([verbs.scan]
summary = "s"
effect = "none"
options.deep = { type = "boolean" }
[[commands]]
name = "scan"
summary = "s"
verb = "scan"
argument = "depe"
)",
     R"(a.fusebox.toml:15:1: argument = "depe", and the verb "scan" has no such option (did you mean "deep"?))"},
    {"a command of three words",
     head + R"([verbs.scan]
summary = "s"
effect = "none"
[[commands]]
name = "a b c"
summary = "s"
verb = "scan"
)",
     R"(a.fusebox.toml:11:1: "a b c" is not a command's name (use one or two words of a-z, 0-9 and -))"},
    {"a command twice",
     head + R"([verbs.scan]
summary = "s"
effect = "none"
[[commands]]
name = "scan"
summary = "s"
verb = "scan"
[[commands]]
name = "scan"
summary = "s"
verb = "scan"
)",
     R"(a.fusebox.toml:15:1: the command "scan" is there twice)"},
    {"a command that is no table",
     head + "commands = [1]\n",
     R"(a.fusebox.toml:7:13: [[commands]] number 1 must be a table, not an integer)"},
    {"examples with a number",
     head + R"([verbs.scan]
summary = "s"
effect = "none"
[[commands]]
name = "scan"
summary = "s"
verb = "scan"
examples = [1]
)",
     R"(a.fusebox.toml:14:13: "examples[0]" in [[commands]] number 1 must be a string, not an integer)"},
};
// clang-format on

std::string errors_of(const std::string& text) {
  try {
    plugin::parse_manifest(text, "a.fusebox.toml");
  } catch (const config::ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("a malformed manifest is refused with the place, the reason and what to write") {
  for (const Mistake& mistake : mistakes) {
    CAPTURE(mistake.name);
    CHECK(errors_of(mistake.text) == mistake.errors);
  }
}
