// SPDX-License-Identifier: Apache-2.0
// Rules files of one's own, with every key and every spelling.
#include <doctest/doctest.h>

#include <fstream>

#include "tests/differential/gitleaks.hpp"
#include "tests/differential/samples.hpp"

using namespace fusebox::test;

namespace {

constexpr const char* kRules = R"toml(
title = "all keys"
[[rules]]
id = "loose"
Description = "d <a>"
REGEX = '''foo(bar)?=(\w+)'''
KEYWORDS = "foo,zzz"
Entropy = "1.5"
tags = ["t1", "t2"]
[[rules]]
id = "named"
regex = '''(?i)tok(?<n>[a-z]{3}):(?P<m>\d+)'''
secretGroup = 2
[[rules]]
id = "generic-x"
regex = '''(\w{5,})@(\w+)'''
[[rules]]
id = "better"
regex = '''(\w{5,}@\w+)'''
[[rules]]
id = "path-alone"
path = '''\.secret$'''
[[rules]]
id = "path-and-regex"
path = '''(?i)\.ENV$'''
regex = '''^X=.*$'''
[[rules]]
id = "many-lines"
regex = '''\n+BEGIN[\s\S]*?END\n*'''
[[rules]]
id = "complete"
regex = '''user=(\w+)'''
[[rules.required]]
id = "other"
withinLines = 2
[[rules]]
id = "near"
regex = '''name=(\w+)'''
[[rules.required]]
id = "other"
withinColumns = 5
[[rules]]
id = "other"
regex = '''pass=(\w+)'''
skipReport = true
[[rules]]
id = "empty"
regex = '''q*'''
path = '''emp\.txt'''
[[rules]]
id = "kelvin"
regex = '''(?i)kilo=(\S+)'''
keywords = ["kilo"]
[[rules]]
id = "space"
regex = '''a\sb[^\s]c'''
[[rules]]
id = "boundary"
regex = '''[^a](b+)\b'''
path = "bound"
[rules.allowlist]
stopwords = ["BBBBBBB"]
[[rules]]
id = "line"
regex = '''lin=(\d+)'''
[[rules.allowlists]]
condition = "AND"
regexTarget = "line"
regexes = ['''skip''']
paths = ['''lines?\.txt''']
[[rules]]
id = "twice"
regex = "first"
[[rules]]
id = "twice"
regex = "sec(ond)"
[[allowlists]]
condition = "&&"
paths = ['''and-folder''']
regexes = ['''never''']
[[allowlists]]
paths = ['''(?i)Upper\.x''', '''lower\.y''']
[[allowlists]]
targetRules = ["loose"]
regexTarget = "match"
regexes = ["foo=allowed"]
)toml";

void fill(const Tree& tree) {
  tree.put("a.txt", "foo=abcdefg foobar=zzz foo=allowed foo=qwertz\n");
  tree.put("named.txt", "tokabc:123 TOKxyz:9\n");
  tree.put("generic.txt", "hello@world again\nworld1@x\n");
  tree.put("x.secret", "q");
  tree.put("f.env", "X=1\n");
  tree.put("g.ENV", "X=first");
  tree.put("lines", "a\n\n\nBEGIN x\ny END\n\n\nz\n");
  tree.put("near.txt", "user=joe\n\npass=xyz name=ann\n");
  tree.put("far.txt", "user=joe\n\n\npass=xyz\nx name=ann\n");
  tree.put("emp.txt", "qqxq\n");
  tree.put("kelvin.txt", "\xE2\x84\xAAilo=abc KILO=def\n");
  tree.put("tabs.txt",
           "a\vb\vc a\tb\vc a b\vc\na b\xE9"
           "c");
  tree.put("bound.txt", " bbb bbbx bbbbbbb\n");
  tree.put("line.txt", "lin=1 skip\nlin=2\n");
  tree.put("and-folder/z.txt", "foo=abcdefgh\n");
  tree.put("UPPER.X", "foo=abcdefgh");
  tree.put("LOWER.Y", "foo=abcdefgh");
  tree.put("lower.y", "foo=abcdefgh");
  tree.put("twice.txt", "first second");
  tree.put("bad.txt",
           "foo=\xFF\xFE foo=ab\xC3\xA9"
           "cdefg \xED\xA0\x80"
           "foo=hjklmno\n");
}

}  // namespace

TEST_CASE("every key of a rules file means what it means to gitleaks") {
  need_gitleaks();
  const Tree tree;
  const Tree beside;
  beside.put("rules.toml", kRules);
  fill(tree);
  Case what{.kind = Kind::folder, .folder = tree.path(), .config = beside.path() / "rules.toml"};
  CHECK(compare(what) > 15);
  tree.init_git();
  tree.git({"add", "-A"});
  what.kind = Kind::staged;
  CHECK(compare(what) > 15);
  tree.git({"commit", "-q", "-m", "m"});
  what.kind = Kind::history;
  CHECK(compare(what) > 15);
}

TEST_CASE("a choice of rules, and a part of each secret hidden") {
  need_gitleaks();
  const Tree tree;
  const Tree beside;
  beside.put("rules.toml", kRules);
  fill(tree);
  Case some{.kind = Kind::folder, .folder = tree.path(), .config = beside.path() / "rules.toml"};
  some.flags = {"--enable-rule=complete,loose"};
  some.enable = {"complete", "loose"};
  CHECK(compare(some) > 2);
  some.flags = {"--enable-rule=loose,line,named", "--redact=35"};
  some.enable = {"loose", "line", "named"};
  some.options.redact = 35;
  CHECK(compare(some) > 4);
  some.flags = {"--enable-rule=loose,line,named", "--redact"};
  some.options.redact = 100;
  CHECK(compare(some) > 4);
}

TEST_CASE("rules that extend gitleaks' own") {
  need_gitleaks();
  Samples samples;
  const Tree tree;
  const Tree beside;
  beside.put(
      "rules.toml",
      "[extend]\nuseDefault = true\ndisabledRules = [\"generic-api-key\"]\n"
      "[[rules]]\nid = \"stripe-access-token\"\ndescription = \"mine\"\nkeywords = [\"qq\"]\n"
      "tags = [\"x\"]\n[[rules]]\nid = \"own\"\nregex = \"own=(.*)\"\n");
  tree.put("a.txt", "k=\"" + samples.key() + "\" qq\nown=1\napi_key=\"" + samples.token(32) + "\"");
  CHECK(compare({.kind = Kind::folder,
                 .folder = tree.path(),
                 .config = beside.path() / "rules.toml"}) == 2);
}

TEST_CASE("a baseline takes away what it knows, and nothing else") {
  need_gitleaks();
  Samples samples;
  const Tree tree;
  const Tree beside;
  tree.put("a.txt", "k=\"" + samples.key() + "\"\n");
  const std::string report = beside.path() / "report.json";
  run_in(tree.path(), {gitleaks().string(), "dir", ".", "--no-banner", "--log-level=error",
                       "--exit-code=0", "--report-path=" + report});
  tree.add("a.txt", "z=\"" + samples.key() + "\"\n");
  Case what{.kind = Kind::folder, .folder = tree.path(), .flags = {"--baseline-path=" + report}};
  what.options.baseline = report;
  CHECK(compare(what) == 1);
}
