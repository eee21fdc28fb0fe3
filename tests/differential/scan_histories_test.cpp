// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "tests/differential/gitleaks.hpp"
#include "tests/differential/samples.hpp"

using namespace fusebox::test;
namespace fs = std::filesystem;

namespace {

// Insertions, deletions and renames; names that git quotes; merges; binary files.
void make_history(const Tree& tree, int commits) {
  Samples samples;
  tree.init_git();
  tree.git({"remote", "add", "origin", "git@github.com:o/r.git"});
  const std::vector<std::string> messages = {
      "one", "two\nlines", "t\n\nbody <b> & \"q\"\n\n   x\ty\n", "\xC3\xBC title"};
  for (int i = 0; i < commits; ++i) {
    const std::string name = i % 17 == 0 ? fmt::format("dir {}/\xC3\xBC\"x\t{}.md", i, i)
                                         : fmt::format("f{}.txt", samples.below(20));
    const std::vector<std::string> lines = {
        "k=\"" + samples.key() + "\"\n", samples.token(30) + "\n",
        "password = \"" + samples.token(20) + "\"\n", base64(samples.key()), "\n"};
    const std::string before = tree.get(name);
    const std::size_t at = before.empty() ? 0 : before.rfind('\n', samples.below(before.size()));
    const std::size_t cut = at == std::string::npos ? 0 : at + (before.empty() ? 0 : 1);
    tree.put(name, before.substr(0, cut) + lines[samples.below(lines.size())] + before.substr(cut));
    if (i == 50) tree.put("picture.zip", std::string("PK\0\1", 4) + samples.token(200));
    if (i == 60) tree.put("data.bin", std::string(1, '\0') + samples.token(200));
    if (i % 40 == 39) fs::rename(tree.path() / name, tree.path() / (name + "r"));
    tree.git({"add", "-A"});
    tree.git({"commit", "-q", "--allow-empty", "-m", messages[samples.below(messages.size())]});
    if (i == 70) tree.git({"checkout", "-q", "-b", "side"});
    if (i == 90) {
      tree.git({"checkout", "-q", "main"});
      tree.git({"merge", "-q", "--no-ff", "-s", "ours", "-m", "merged", "side"});
    }
  }
}

}  // namespace

TEST_CASE("a history of hundreds of commits gives the same findings") {
  need_gitleaks();
  const Tree tree;
  make_history(tree, 260);  // more than one git reads
  CHECK(compare({.kind = Kind::history, .folder = tree.path()}) > 100);
  CHECK(compare({.kind = Kind::log,
                 .folder = tree.path(),
                 .log_options = {"HEAD~30..HEAD", "--no-merges"}}) > 5);
}

TEST_CASE("the user's git configuration does not blind the engine") {
  need_gitleaks();
  const Tree tree;
  make_history(tree, 30);
  const std::size_t found = compare({.kind = Kind::history, .folder = tree.path()});
  CHECK(found > 5);
  const auto scan = [&] {
    fusebox::test::Case what{.kind = Kind::history, .folder = tree.path()};
    return count_ours(what);
  };
  for (const char* setting :
       {"color.ui=always", "diff.noprefix=true", "diff.mnemonicPrefix=true", "core.quotePath=true",
        "log.showRoot=false", "format.pretty=oneline", "log.date=relative", "diff.external=true",
        "log.showSignature=true", "diff.renames=false", "diff.interHunkContext=9"}) {
    const std::string text = setting;
    const std::string key = text.substr(0, text.find('='));
    tree.git({"config", key, text.substr(key.size() + 1)});
    INFO(setting);
    CHECK(scan() == found);
    tree.git({"config", "--unset", key});
  }
}

TEST_CASE("the project's own history gives the same findings") {
  need_gitleaks();
  std::error_code error;
  if (!fs::exists(PROJECT_FOLDER "/.git", error)) {
    std::printf("SKIPPED: %s is no clone\n", PROJECT_FOLDER);
    return;
  }
  compare({.kind = Kind::log, .folder = PROJECT_FOLDER, .log_options = {"-n", "150"}});
}
