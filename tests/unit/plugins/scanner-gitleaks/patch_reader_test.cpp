// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

#include "engine/patch_reader.hpp"

using namespace fusebox::scan;

namespace {

struct Seen {
  std::vector<std::string> fragments;  // "sha path:line text"
  std::vector<std::string> broken;
};

Seen read(const std::string& patch, std::size_t largest = 1U << 20U, std::size_t step = 7) {
  Seen seen;
  PatchReader reader({[&](const Fragment& fragment) {
                        seen.fragments.push_back(
                            fmt::format("{} {}:{} {}", fragment.commit ? fragment.commit->sha : "-",
                                        fragment.path, fragment.start_line, fragment.raw));
                      },
                      [](const std::string&, const std::shared_ptr<const CommitInfo>&) {},
                      [&](const std::string& where, const std::string& why) {
                        seen.broken.push_back(where + ": " + why);
                      }},
                     largest);
  for (std::size_t i = 0; i < patch.size(); i += step) reader.add(patch.substr(i, step));
  reader.finish();
  return seen;
}

const std::string kHead =
    "commit abc\nAuthor: N <n@x>\nDate:   1700000000 +0100\n\n    title\n\n"
    "diff --git a/f b/f\nindex 1..2 100644\n--- a/f\n+++ b/f\n";

}  // namespace

TEST_CASE("the added lines of each hunk are one fragment") {
  const Seen seen =
      read(kHead +
           "@@ -1,0 +2,2 @@ x\n+one\n+two\n@@ -9 +11 @@\n-old\n+new\n\\ No newline at "
           "end of file\n\ncommit def\nAuthor: M <m@x>\nDate:   1 +0000\n\n    t\n\n"
           "diff --git \"a/\\303\\274\\tx\" \"b/\\303\\274\\tx\"\nnew file mode 100644\n"
           "--- /dev/null\n+++ \"b/\\303\\274\\tx\"\n@@ -0,0 +1 @@\n+++ plus\n");
  CHECK(seen.fragments == std::vector<std::string>{"abc f:2 one\ntwo\n", "abc f:11 new",
                                                   "def \xC3\xBC\tx:1 ++ plus\n"});
  CHECK(seen.broken.empty());
}

TEST_CASE("a broken hunk is told, and what follows is read") {
  const Seen seen = read(kHead +
                         "@@ -1,0 +2,3 @@\n+one\ndiff --git a/g b/g\n--- a/g\n+++ b/g\n"
                         "@@ -1,0 +2 @@\n+good\n@@ -x +y @@\n");
  CHECK(seen.fragments == std::vector<std::string>{"abc f:2 one\n", "abc g:2 good\n"});
  CHECK(seen.broken.size() == 2);
}

TEST_CASE("a deleted file has no added lines, and a hunk too large comes in pieces") {
  CHECK(read("diff --git a/f b/f\ndeleted file mode 100644\n--- a/f\n+++ /dev/null\n"
             "@@ -1 +0,0 @@\n-x\n")
            .fragments.empty());
  const std::string line(40, 'a');
  const Seen seen =
      read(kHead + fmt::format("@@ -1,0 +2,4 @@\n+{0}\n+{0}\n+{0}\n+{0}{0}{0}\n", line), 64);
  REQUIRE(seen.fragments.size() > 2);
  CHECK(seen.fragments[0] == fmt::format("abc f:2 {0}\n{0}\n", line));
  CHECK(seen.fragments[1].starts_with("abc f:4 " + line));
  std::size_t all = 0;
  for (const std::string& fragment : seen.fragments)
    all += static_cast<std::size_t>(std::count(fragment.begin(), fragment.end(), 'a')) - 1;
  CHECK(all == 6 * line.size());
}

TEST_CASE("a commit's header gives author, date and message as gitleaks writes them") {
  const auto commit = parse_commit_header(
      "commit abc (HEAD -> main)\nMerge: a b\nAuthor: N N <n@x>\nDate:   1700000000 +0100\n\n"
      "    one\n    two\n\n    body  x\n\n\n      more\n    last\n");
  REQUIRE(commit != nullptr);
  CHECK(commit->sha == "abc");
  CHECK(commit->author == "N N");
  CHECK(commit->email == "n@x");
  CHECK(commit->date == "2023-11-14T22:13:20Z");
  CHECK(commit->message == "one two\n\nbody  x\n\n  more\nlast");
  CHECK(parse_commit_header("nonsense\n") == nullptr);
  CHECK(parse_commit_header("commit a\nDate: yesterday\n") == nullptr);
}
