// SPDX-License-Identifier: Apache-2.0
// The gates against secrets, with real git and real hooks.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>

#include "harness.hpp"
#include "samples/pattern.hpp"
#include "samples/samples.hpp"

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace fusebox::test;

namespace {

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class Repo {
 public:
  Repo() {
    fs::create_directories(folder());
    REQUIRE(git({"init", "-q", "."}).exit_code == 0);
    REQUIRE(git({"config", "user.name", "Ada"}).exit_code == 0);
    REQUIRE(git({"config", "user.email", "ada@localhost"}).exit_code == 0);
  }

  fs::path folder() const { return sandbox_ / "repo"; }
  fs::path hook() const { return folder() / ".git/hooks/pre-commit"; }

  Ended git(std::vector<std::string> words) const {
    words.insert(words.begin(), "git");
    return sandbox_.program(words, in_here());
  }
  Ended fusebox(const std::vector<std::string>& words) const {
    return sandbox_.fusebox(words, in_here());
  }
  Ended script(const std::vector<std::string>& words, const fs::path& program) const {
    CallOptions options = in_here();
    options.environment["FUSEBOX"] = program.string();
    return sandbox_.program(words, options);
  }
  void write(const std::string& name, const std::string& text) const {
    sandbox_.write("repo/" + name, text);
  }
  Ended commit(const std::string& name, const std::string& text) const {
    write(name, text);
    REQUIRE(git({"add", "-f", "--", name}).exit_code == 0);
    return git({"commit", "-q", "-m", "change " + name});
  }
  bool has_commit() const { return git({"rev-parse", "-q", "--verify", "HEAD"}).exit_code == 0; }

  const std::string secret = fusebox::samples::Filler(4711).fill("sk-lf-{uuid}");

 private:
  CallOptions in_here() const {
    CallOptions options;
    options.cwd = folder();
    return options;
  }
  Sandbox sandbox_;
};

}  // namespace

TEST_CASE_FIXTURE(Repo, "D32 a finding stops: the scan ends with 5, and the commit is not made") {
  REQUIRE(fusebox({"security", "init"}).exit_code == 0);
  const Ended stopped = commit("app.env", "KEY=" + secret + "\n");
  INFO(stopped.all());
  CHECK(stopped.exit_code != 0);
  CHECK_FALSE(has_commit());
  CHECK(contains(stopped.all(), "langfuse-secret-key"));
  CHECK_FALSE(contains(stopped.all(), secret));
  const Ended scan = fusebox({"scan", "--staged", "."});
  CHECK(scan.exit_code == 5);
  CHECK_FALSE(contains(scan.all(), secret));
  const Ended passed = commit("app.env", fusebox::samples::references());
  INFO(passed.all());
  CHECK(passed.exit_code == 0);
  CHECK(has_commit());
}

TEST_CASE_FIXTURE(Repo, "what was stopped is kept as an incident, without its value") {
  REQUIRE(fusebox({"security", "init"}).exit_code == 0);
  REQUIRE(commit("app.env", "\n\nKEY=" + secret + "\n").exit_code != 0);
  const fs::path log = folder() / ".security/incidents.log";
  const std::string text = text_of(log);
  CHECK_FALSE(contains(text, secret));
  CHECK_FALSE(contains(text, secret.substr(6)));
  REQUIRE(!text.empty());
  CHECK(text.find('\n') == text.size() - 1);  // one line
  const json::value line = json::parse(text);
  CHECK(line.at("rule").as_string() == "langfuse-secret-key");
  CHECK(line.at("file").as_string() == "app.env");
  CHECK(line.at("line").as_int64() == 3);
  CHECK(line.at("who").as_string() == "Ada <ada@localhost>");
  CHECK(line.at("source").as_string() == "staged");
  CHECK(line.at("fingerprint").as_string() == "app.env:langfuse-secret-key:3");
  CHECK(line.at("time").as_string().size() == 24);
  struct stat found {};
  REQUIRE(::stat(log.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777U) == 0600U);
  const Ended told = fusebox({"security", "log"});
  CHECK(told.exit_code == 0);
  CHECK(contains(told.all(), "langfuse-secret-key"));
  const Ended advice = fusebox({"security", "rotate"});
  CHECK(contains(advice.all(), "delete the key in the project's settings"));
  CHECK(git({"status", "--porcelain", ".security/incidents.log"}).out.empty());  // ignored
}

TEST_CASE_FIXTURE(Repo, "a repository without .security gets no log by a scan") {
  write("app.env", "KEY=" + secret + "\n");
  CHECK(fusebox({"scan", "."}).exit_code == 5);
  CHECK_FALSE(fs::exists(folder() / ".security"));
}

TEST_CASE_FIXTURE(Repo, "D33 the self-test fails when the gate does not bite") {
  const Ended none = fusebox({"security", "test"});
  INFO(none.all());
  CHECK(none.exit_code == 5);
  CHECK(contains(none.all(), "no hook looks at commits"));
  REQUIRE(fusebox({"security", "init"}).exit_code == 0);
  const Ended bites = fusebox({"security", "test"});
  INFO(bites.all());
  CHECK(bites.exit_code == 0);
  // As the workflow did: whatever is found, it goes on.
  std::string text = text_of(hook());
  text.replace(text.find("exec "), 5, "");
  std::ofstream(hook()) << text << "exit 0\n";
  const Ended toothless = fusebox({"security", "test"});
  INFO(toothless.all());
  CHECK(toothless.exit_code == 5);
  CHECK(contains(toothless.all(), "a commit with a planted secret was made"));
}

TEST_CASE_FIXTURE(Repo,
                  "D33 the workflow's self-test fails unless its scan stops a planted secret") {
  const std::string gate = std::string(SOURCE_DIR) + "/.github/gate.sh";
  const Ended bites = script({gate, "self-test"}, fusebox_program());
  INFO(bites.all());
  CHECK(bites.exit_code == 0);
  CHECK(contains(bites.out, "it bites"));
  write("toothless", "#!/bin/sh\nfor last; do :; done\necho '{}' >\"$last\"\n");
  ::chmod((folder() / "toothless").c_str(), 0755);
  const Ended toothless = script({gate, "self-test"}, folder() / "toothless");
  INFO(toothless.all());
  CHECK(toothless.exit_code == 1);
  CHECK(contains(toothless.err, "expected the scan to end with 5, it ended with 0"));
}

TEST_CASE("D33 no step of the workflow may fail unseen, and every action is pinned by its commit") {
  for (const char* name : {"/.github/workflows/secrets.yml", "/action.yml"}) {
    const std::string text = text_of(std::string(SOURCE_DIR) + name);
    REQUIRE(!text.empty());
    CHECK_FALSE(contains(text, "continue-on-error"));
    CHECK_FALSE(contains(text, "|| true"));
    std::istringstream lines(text);
    static const std::regex used(R"(^\s*(?:- )?uses: (\S+))");
    static const std::regex pinned(R"(\./|[\w./-]+@[0-9a-f]{40})");
    std::smatch match;
    for (std::string line; std::getline(lines, line);)
      if (std::regex_search(line, match, used)) {
        CAPTURE(line);
        CHECK(std::regex_match(match[1].str(), pinned));
      }
  }
}

TEST_CASE_FIXTURE(Repo, "another's hook is never overwritten, and what to do is said") {
  const std::string theirs = "#!/bin/sh\nexit 0\n";
  write(".git/hooks/pre-commit", theirs);
  const Ended refused = fusebox({"security", "init"});
  INFO(refused.all());
  CHECK(refused.exit_code == 1);
  CHECK(text_of(hook()) == theirs);
  CHECK(contains(refused.all(), "another's hook"));
  CHECK(contains(refused.all(), "fusebox scan --staged ."));
}

TEST_CASE_FIXTURE(Repo, "security init goes where core.hooksPath points, and may be called again") {
  REQUIRE(git({"config", "core.hooksPath", "own hooks"}).exit_code == 0);
  REQUIRE(fusebox({"security", "init"}).exit_code == 0);
  CHECK(fs::exists(folder() / "own hooks/pre-commit"));
  CHECK_FALSE(fs::exists(hook()));
  write(".security/RUNBOOK.md", "ours by now\n");
  const Ended again = fusebox({"security", "init"});
  CHECK(again.exit_code == 0);
  CHECK(contains(again.all(), "already"));
  CHECK(text_of(folder() / ".security/RUNBOOK.md") == "ours by now\n");
  CHECK(commit("app.env", "KEY=" + secret + "\n").exit_code != 0);
}

TEST_CASE_FIXTURE(Repo, "security init names a folder that is in no repository") {
  fs::remove_all(folder() / ".git");
  const Ended ended = fusebox({"security", "init"});
  CHECK(ended.exit_code == 1);
  CHECK(contains(ended.all(), "is in no git repository"));
}

TEST_CASE_FIXTURE(Repo,
                  "security audit finds each thing that is wrong, and nothing when all is well") {
  REQUIRE(commit("old.env.txt", "KEY=" + secret + "\n").exit_code == 0);
  REQUIRE(git({"rm", "-q", "--cached", "old.env.txt"}).exit_code == 0);
  fs::remove(folder() / "old.env.txt");
  REQUIRE(commit(".env", "SALT=" + std::string("mysalt") + "\n").exit_code == 0);
  write("server.key", "not a key\n");
  ::chmod((folder() / "server.key").c_str(), 0644);
  const Ended ended = fusebox({"security", "audit"});
  const std::string all = ended.all();
  INFO(all);
  CHECK(ended.exit_code == 5);
  CHECK(contains(all, "langfuse-secret-key in the history"));
  CHECK(contains(all, "no hook looks at commits"));
  CHECK(contains(all, "git tracks an environment file"));
  CHECK(contains(all, "known-default-secret in the working tree"));
  CHECK(contains(all, "others may read it: mode 0644"));
  CHECK_FALSE(contains(all, secret));

  const Repo clean;
  REQUIRE(clean.fusebox({"security", "init"}).exit_code == 0);
  REQUIRE(clean.commit("README.md", "nothing\n").exit_code == 0);
  const Ended well = clean.fusebox({"security", "audit"});
  INFO(well.all());
  CHECK(well.exit_code == 0);
}
