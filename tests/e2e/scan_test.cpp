// SPDX-License-Identifier: Apache-2.0
// `fusebox scan` as a hook and a pipeline use it.
#include "e2e/harness.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include <filesystem>

using fusebox::test::contains;
using fusebox::test::Ended;
using fusebox::test::Sandbox;

namespace {

namespace json = boost::json;

const std::string kRules =
    "[[rules]]\nid = 'needle'\ndescription = 'a needle'\nregex = '''needle=(\\w+)'''\n"
    "keywords = ['needle']\n";
const std::string kSecret = "S3cretOfTheTest";

struct Repository {
  Sandbox box;

  Repository() {
    git({"init", "-q", "-b", "main"});
    box.write("repo/.gitleaks.toml", kRules);
    box.write("repo/plain.txt", "nothing\n");
    git({"add", "-A"});
    git({"commit", "-q", "-m", "first"});
  }
  void git(std::vector<std::string> words) const {
    std::filesystem::create_directories(box / "repo");
    words.insert(words.begin(), {"git", "-C", (box / "repo").string(), "-c", "user.name=N", "-c",
                                 "user.email=n@example.org"});
    const Ended ended = box.program(words);
    INFO(ended.all());
    REQUIRE(ended.exit_code == 0);
  }
  Ended scan(std::vector<std::string> words, const std::string& stdin_text = "") const {
    words.insert(words.begin(), "scan");
    fusebox::test::CallOptions options;
    options.cwd = box / "repo";
    options.stdin_text = stdin_text;
    return box.fusebox(words, options);
  }
};

void expect(const Ended& ended, int exit_code) {
  INFO(ended.all());
  CHECK(ended.exit_code == exit_code);
  CHECK(!contains(ended.all(), kSecret));
}

}  // namespace

TEST_CASE("a scan works in any repository, fails on findings, and never tells a secret") {
  const Repository repository;
  expect(repository.scan({}), 0);
  expect(repository.scan({"--staged"}), 0);
  repository.box.write("repo/leak.txt", "needle=" + kSecret + "\n");
  const Ended found = repository.scan({});
  expect(found, 5);
  CHECK(contains(found.out, "leak.txt:1"));
  expect(repository.scan({"--staged"}), 0);
  repository.git({"add", "leak.txt"});
  expect(repository.scan({"--staged"}), 5);
  repository.git({"commit", "-q", "-m", "leak"});
  expect(repository.scan({"--history"}), 5);
  expect(repository.scan({"--since", "HEAD~1"}), 5);
  expect(repository.scan({"--since", "HEAD"}), 0);
  expect(repository.scan({"--stdin"}, "needle=" + kSecret), 5);
  expect(repository.scan({"plain.txt"}), 0);
  expect(repository.scan({"leak.txt", "--rules", ".gitleaks.toml"}), 5);
  expect(repository.scan({"--json"}), 5);
}

TEST_CASE("a report is all that stdout gets, and shows a secret only where that is asked for") {
  const Repository repository;
  repository.box.write("repo/leak.txt", "needle=" + kSecret + "\n");
  const Ended hidden = repository.scan({"--format", "json"});
  expect(hidden, 5);
  const auto report = json::parse(hidden.out).as_array();
  REQUIRE(report.size() == 1);
  CHECK(report[0].at("RuleID") == "needle");
  CHECK(report[0].at("Secret") == "REDACTED");
  CHECK(report[0].at("Fingerprint") == "leak.txt:needle:1");
  const Ended shown = repository.scan({"--format", "json", "--redact", "0"});
  CHECK(json::parse(shown.out).as_array()[0].at("Secret").as_string() == kSecret);
  CHECK(!contains(shown.err, kSecret));

  expect(repository.scan({"--format", "json", "--output", "report.json"}), 5);
  expect(repository.scan({"--baseline", "report.json"}), 0);
  std::filesystem::remove(repository.box / "repo/report.json");  // it tells of a needle, too
  repository.box.write("repo/.gitleaksignore", "leak.txt:needle:1\n");
  const Ended none = repository.scan({"--format", "json"});
  expect(none, 0);
  CHECK(none.out == "[]\n");
}

TEST_CASE("what is wrong is said, and nothing passes by it") {
  const Repository repository;
  expect(repository.scan({"--staged", "--history"}), 1);
  expect(repository.scan({"absent"}), 1);
  expect(repository.scan({"--since", "no-such-revision"}), 1);
  repository.box.write("repo/bad.toml", "[[rules]]\nid = 'a'\nregex = '('\n");
  const Ended bad = repository.scan({"--rules", "bad.toml"});
  CHECK(bad.exit_code != 0);
  CHECK(contains(bad.all(), "bad.toml:3:9: not a regular expression"));
  repository.box.write("elsewhere/x.txt", "x");
  fusebox::test::CallOptions outside;
  outside.cwd = repository.box / "elsewhere";
  const Ended none =
      repository.box.fusebox({"scan", "--staged", "--rules", "../repo/.gitleaks.toml"}, outside);
  INFO(none.all());
  CHECK(none.exit_code == 1);
  CHECK(contains(none.all(), "git diff in ."));
}

TEST_CASE("a pipeline stops at a finding") {
  const Repository repository;
  repository.box.write(
      "repo/fusebox.toml",
      "[stack]\nname = 'test'\n[phases.gate]\nsteps = ['scanner-gitleaks.scan']\n");
  fusebox::test::CallOptions options;
  options.cwd = repository.box / "repo";
  expect(repository.box.fusebox({"run", "gate"}, options), 0);
  repository.box.write("repo/leak.txt", "needle=" + kSecret + "\n");
  expect(repository.box.fusebox({"run", "gate"}, options), 5);
  options.cwd = repository.box / "repo/deeper";
  std::filesystem::create_directories(options.cwd);
  const Ended below = repository.box.fusebox({"run", "gate"}, options);
  expect(below, 5);
  CHECK(contains(below.out, "../leak.txt:1"));
}
