// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <fstream>

#include "engine/rules.hpp"
#include "tests/support/temp_dir.hpp"

using namespace fusebox::scan;

namespace {

std::string refusal(const std::string& text) {
  try {
    load_rules_text(text, "r.toml", {});
  } catch (const RulesError& error) {
    return error.what();
  }
  return "";
}

const std::string kRule = "[[rules]]\nid = \"a\"\n";

}  // namespace

TEST_CASE("a malformed rules file is refused with its place and the reason") {
  CHECK(refusal("[[rules]\n").starts_with("r.toml:1:"));
  CHECK(refusal(kRule + "regex = '(a'\n") == "r.toml:3:9: not a regular expression: missing ): (a");
  CHECK(refusal(kRule + "regex = '\\C'\n").find("invalid escape sequence") != std::string::npos);
  CHECK(refusal(kRule + "regex = 'a{1001}'\n").find("r.toml:3:9") == 0);
  CHECK(refusal(kRule) == "r.toml:1:1: rule \"a\" needs a regex or a path");
  CHECK(refusal("[[rules]]\nregex = 'a'\n") == "r.toml:1:1: a rule needs an id");
  CHECK(refusal(kRule + "regex = '(a)'\nsecretGroup = 2\n") ==
        "r.toml:1:1: rule \"a\" has the secretGroup 2, and its regex has 1 groups");
  CHECK(refusal("[allowlist]\ndescription = 'x'\n") ==
        "r.toml:1:1: an allowlist needs commits, paths, regexes or stopwords");
  CHECK(refusal("[[allowlists]]\npaths = ['a']\ncondition = 'xor'\n").starts_with("r.toml:3:13:"));
  CHECK(
      refusal("[[allowlists]]\npaths = ['a']\nregexTarget = 'all'\n").starts_with("r.toml:3:15:"));
  CHECK(
      refusal("[allowlist]\npaths = ['a']\n[[allowlists]]\npaths = ['b']\n").find("old spelling") !=
      std::string::npos);
  CHECK(refusal("[[allowlists]]\npaths = ['a']\ntargetRules = ['x']\n").find("no such rule") !=
        std::string::npos);
  CHECK(refusal(kRule + "regex = 'a'\n[[rules.required]]\nid = 'b'\n").find("not in this file") !=
        std::string::npos);
  CHECK(refusal(kRule + "regex = 'a'\nentropy = 'much'\n") ==
        "r.toml:4:11: \"entropy\" is no number");
  CHECK(refusal("[extend]\npath = 'x'\nuseDefault = true\n").find("exclude each other") !=
        std::string::npos);
  CHECK(refusal("[extend]\nuseDefault = true\n").find("no default rules") != std::string::npos);
  CHECK(refusal("a" +
                [] {
                  std::string dots;
                  for (int i = 0; i < 100'000; ++i) dots += ".a";
                  return dots;
                }() +
                " = 1\n")
            .find("nested deeper") != std::string::npos);
}

TEST_CASE("values convert as gitleaks converts them") {
  const auto rules = load_rules_text(
      "[[Rules]]\nID = 'a'\nRegex = 'x(y)'\nENTROPY = '3.5'\nKeywords = 'Foo,BAR'\n"
      "secretgroup = '1'\nskipREPORT = 'true'\nunknown = 1\n",
      "r.toml", {});
  const Rule& rule = rules->rules.front();
  CHECK(rule.entropy == 3.5);
  CHECK(rule.secret_group == 1);
  CHECK(rule.keywords == std::vector<std::string>{"foo", "bar"});
  CHECK(rule.skip_report);
}

TEST_CASE("rules extend others to a depth of two, and what is checked once is not checked again") {
  const fusebox::test::TempDir dir;
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(dir / name) << text;
    return (dir / name).string();
  };
  const auto deepest = write("3.toml", "[[rules]]\nid = 'three'\nregex = 'c'\n");
  const auto third =
      write("2.toml", "[extend]\npath = '" + deepest + "'\n[[rules]]\nid = 'two'\nregex = 'b'\n");
  const auto second = write("1.toml", "[extend]\npath = '" + third +
                                          "'\ndisabledRules = ['gone']\n[[rules]]\nid = "
                                          "'one'\nregex = 'a'\nkeywords = ['k']\n");
  const auto first = write("0.toml", "[extend]\npath = '" + second +
                                         "'\n[[rules]]\nid = 'one'\ndescription = 'mine'\nkeywords "
                                         "= ['l']\n");
  RulesOptions options;
  options.cache = dir / "cache";
  const auto rules = load_rules(first, options);
  CHECK(rules->find("three") == nullptr);
  REQUIRE(rules->find("two") != nullptr);
  REQUIRE(rules->find("one") != nullptr);
  CHECK(rules->find("one")->regex == "a");
  CHECK(rules->find("one")->description == "mine");
  CHECK(rules->find("one")->keywords == std::vector<std::string>{"k", "l"});
  CHECK(rules->warnings.size() == 1);
  CHECK(std::filesystem::exists(dir / ("cache/" + rules->digest + ".checked")));
  CHECK(load_rules(first, options)->digest == rules->digest);
}
