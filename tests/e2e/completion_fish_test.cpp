// SPDX-License-Identifier: Apache-2.0
#include "e2e/harness.hpp"
#include "support/skip.hpp"
#include "util/subprocess.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <set>
#include <sstream>

using fusebox::test::Sandbox;

namespace {

using Words = std::set<std::string>;

void skip_without_fish() {
  if (fusebox::util::find_program("fish")) return;
  fusebox::test::skip_program("fish is not installed; cmake/setup.sh test installs it");
}

// What fish offers at the end of `line`, without the descriptions.
Words offered(const Sandbox& box, const std::string& line) {
  const auto bin = fusebox::test::fusebox_program().parent_path().string();
  const auto ended = box.program(
      {"fish", "--no-config", "-c",
       fmt::format("set -x PATH {} $PATH; fusebox completion fish | source; complete -C '{}'", bin,
                   line)});
  INFO(ended.all());
  CHECK(ended.exit_code == 0);
  CHECK(ended.err.empty());
  std::istringstream lines(ended.out);
  Words words;
  for (std::string word; std::getline(lines, word);) words.insert(word.substr(0, word.find('\t')));
  return words;
}

}  // namespace

TEST_CASE("fish completes commands, groups and options") {
  skip_without_fish();
  const Sandbox box;
  CHECK(offered(box, "fusebox dep") == Words{"deploy"});
  CHECK(offered(box, "fusebox plugins ") == Words{"list", "info", "check", "trust", "untrust"});
  CHECK(offered(box, "fusebox logs --fol") == Words{"--follow"});
  CHECK(offered(box, "fusebox ps --fol").empty());
}

TEST_CASE("fish completes values, and phases of the stack") {
  const Sandbox box;
  box.write("fusebox.toml", "[stack]\nname = \"test\"\n[phases.nightly]\nsteps = []\n");
  CHECK(offered(box, "fusebox completion f") == Words{"fish"});
  CHECK(offered(box, "fusebox run nig") == Words{"nightly"});
}
