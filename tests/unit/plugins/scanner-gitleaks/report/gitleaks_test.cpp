// SPDX-License-Identifier: Apache-2.0
// Reports against those of the real gitleaks.
#include "report/report.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <fstream>

#include "engine/scanner.hpp"
#include "tests/support/gitleaks.hpp"
#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace fusebox::scan;
using namespace fusebox::test;

namespace {

// A rule that takes whatever stands after "k=", so that a report has to bear it.
constexpr const char* rules_text = R"(
[[rules]]
id = "any-thing"
description = "<b>\"any\" & 'all'</b>\ttab\u2028"
regex = '''(?s-m:k=([^;]*);)'''
tags = ["one", "t<w>o"]

[[rules]]
id = "plain"
description = ""
regex = '''p=([^;]*);'''
)";

const std::vector<std::string> values = {"plain",
                                         "\"quoted\", 'too'",
                                         "<a href='x'>&amp;</a>",
                                         " begins with a space",
                                         "tab\there",
                                         "two\nlines",
                                         "carriage\r\nreturn",
                                         "bell\a form\f back\b null" + std::string(1, '\0') + "!",
                                         "umlaut äöü € 😀",
                                         "separators \xE2\x80\xA8 \xE2\x80\xA9",
                                         "back\\slash \\.",
                                         "{}[]%$#@",
                                         "delete\x7F",
                                         "bad \xFF\xC3 utf8 \xED\xA0\x80"};

struct Tree {
  TempDir dir;
  fs::path tree = dir / "tree";
  fs::path config = dir / "rules.toml";

  Tree() {
    fs::create_directories(tree / "sub dir");
    std::ofstream(config) << rules_text;
    for (std::size_t i = 0; i < values.size(); ++i) {
      std::ofstream file(tree / "sub dir" / ("a, \"" + std::to_string(i) + "\" & ö.txt"),
                         std::ios::binary);
      file << "first\nk=" << values[i] << ";\n  p=" << i << "23456789;\n";
    }
  }

  std::string gitleaks(std::vector<std::string> command, const std::string& extension) const {
    const fs::path report = dir / ("report." + extension);
    for (const char* word : {"--exit-code", "7", "-c"}) command.emplace_back(word);
    command.push_back(config.string());
    command.insert(command.end(), {"--report-format", extension});
    REQUIRE(run_gitleaks(tree, command, report.string()) == 7);
    return text_of(report);
  }

  std::vector<Finding> findings() const {
    Options options;
    options.ignore = dir.path();
    const fs::path before = fs::current_path();
    fs::current_path(tree);  // paths as gitleaks is called
    auto found = Scanner(load_rules(config, {}), options).folder(".").findings;
    fs::current_path(before);
    return found;
  }
};

// gitleaks' order is another one each time, so: every piece of `ours` is in `theirs`, and nothing
// else.
void check_pieces(const std::string& theirs, const std::string& whole,
                  const std::vector<std::string>& pieces) {
  CHECK(theirs.size() == whole.size());
  for (const std::string& piece : pieces) {
    CAPTURE(piece);
    CHECK(theirs.find(piece) != theirs.npos);
  }
}

template <class Write>
std::vector<std::string> each(const std::vector<Finding>& findings, Write write, std::size_t begin,
                              std::size_t end) {
  std::vector<std::string> pieces;
  for (const Finding& finding : findings) {
    const std::string one = write(std::span(&finding, 1));
    pieces.push_back(one.substr(begin, one.size() - begin - end));
  }
  return pieces;
}

// What JSON has replaced is a bad byte again.
std::string with_bad_bytes(std::string text) {
  for (std::size_t at = 0; (at = text.find("\xEF\xBF\xBD", at)) != text.npos;)
    text.replace(at, 3, "\xFF");
  return text;
}

Finding finding_of(const json::object& object) {
  const auto text = [&](const char* key) {
    const auto* value = object.if_contains(key);
    return value != nullptr ? with_bad_bytes(std::string(value->as_string())) : std::string();
  };
  const auto number = [&](const char* key) { return object.at(key).to_number<std::int64_t>(); };
  Finding f{text("RuleID"),
            text("Description"),
            number("StartLine"),
            number("EndLine"),
            number("StartColumn"),
            number("EndColumn"),
            text("Match"),
            text("Secret"),
            "",
            text("File"),
            text("SymlinkFile"),
            text("Commit"),
            text("Link"),
            object.at("Entropy").to_number<float>(),
            text("Author"),
            text("Email"),
            text("Date"),
            text("Message"),
            {},
            text("Fingerprint")};
  for (const auto& tag : object.at("Tags").as_array()) f.tags.emplace_back(tag.as_string());
  return f;
}

void git(const fs::path& tree, std::vector<std::string> words) {
  words.insert(words.begin(), {"git", "-c", "user.name=Jürgen \"J\" <x>", "-c",
                               "user.email=j,j@example.com", "-c", "commit.gpgsign=false"});
  ChildSpec spec;
  spec.command = std::move(words);
  spec.cwd = tree;
  spec.log = tree.string() + ".git.log";
  REQUIRE(Child(spec).wait() == 0);
}

}  // namespace

TEST_CASE("JSON, CSV and JUnit of a folder are byte for byte those of gitleaks") {
  need_gitleaks();
  const Tree tree;
  const auto findings = tree.findings();
  REQUIRE(findings.size() == 2 * values.size());
  check_pieces(tree.gitleaks({"dir", "."}, "json"), write_json(findings),
               each(findings, write_json, 2, 3));
  check_pieces(tree.gitleaks({"dir", "."}, "csv"), write_csv(findings),
               each(findings, write_csv, write_csv(findings).find('\n') + 1, 0));
  const std::string suite = write_junit({});
  check_pieces(tree.gitleaks({"dir", "."}, "junit"), write_junit(findings),
               each(findings, write_junit, suite.find("></testsuite>") + 1,
                    std::string("\n\t</testsuite>\n</testsuites>").size()));
}

TEST_CASE("JSON and CSV of a history are byte for byte those of gitleaks") {
  need_gitleaks();
  const Tree tree;
  git(tree.tree, {"init", "-q", "."});
  git(tree.tree, {"remote", "add", "origin", "https://github.com/acme/app.git"});
  git(tree.tree, {"add", "."});
  git(tree.tree, {"commit", "-q", "-m", "A \"title\", <with> & signs\n\n  body\n\nend é"});
  const std::string theirs = tree.gitleaks({"git", "."}, "json");
  const json::value parsed = json::parse(theirs);
  std::vector<Finding> findings;
  for (const auto& one : parsed.as_array()) findings.push_back(finding_of(one.as_object()));
  REQUIRE(findings.size() > values.size());
  CHECK_FALSE(findings.front().commit.empty());
  CHECK_FALSE(findings.front().link.empty());
  CHECK(write_json(findings) == theirs);
  // CSV keeps the very bytes, which JSON has lost.
  const std::string csv = tree.gitleaks({"git", "."}, "csv");
  for (const Finding& finding : findings) {
    if (finding.match.find('\xFF') != std::string::npos) continue;
    const std::string ours = write_csv(std::span(&finding, 1));
    CHECK(csv.find(ours.substr(ours.find('\n') + 1)) != csv.npos);
  }
}
