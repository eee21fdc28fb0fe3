// SPDX-License-Identifier: Apache-2.0
#include "e2e/harness.hpp"
#include "support/skip.hpp"
#include "util/subprocess.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>

using fusebox::test::Sandbox;

namespace {

void skip_without_zsh() {
  if (fusebox::util::find_program("zsh")) return;
  fusebox::test::skip_program("zsh is not installed; cmake/setup.sh test installs it");
}

// zsh completes at a terminal only, so a second zsh types for us: `line`, then the tabulator. What
// the terminal shows after that, until it shows a match of `pattern`.
std::string shown(const Sandbox& box, const std::string& line, const std::string& pattern) {
  const auto bin = fusebox::test::fusebox_program().parent_path().string();
  box.write("site/_fusebox", box.fusebox({"completion", "zsh"}).out);
  box.write("type.zsh", fmt::format(R"(
zmodload zsh/zpty
zpty inner 'zsh -f -i'
zpty -w inner 'path=({} $path); fpath=({} $fpath); autoload -U compinit; compinit -D -u; PROMPT="REA""DY"'
zpty -r -m inner before '*READY*'
zpty -w -n inner '{}'$'\t'
zpty -r -m inner after '{}'
print -r -- $after
zpty -d inner
)",
                                    bin, (box / "site").string(), line, pattern));
  fusebox::test::CallOptions options;
  options.environment["TERM"] = "dumb";
  options.deadline = std::chrono::seconds(20);
  const auto ended = box.program({"zsh", "-f", "type.zsh"}, options);
  INFO(ended.all());
  return ended.out;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("zsh accepts the script") {
  skip_without_zsh();
  const Sandbox box;
  box.write("_fusebox", box.fusebox({"completion", "zsh"}).out);
  const auto ended = box.program({"zsh", "-n", "_fusebox"});
  INFO(ended.all());
  CHECK(ended.exit_code == 0);
}

TEST_CASE("zsh completes commands, groups and options") {
  const Sandbox box;
  CHECK(contains(shown(box, "fusebox dep", "*loy*"), "loy"));
  CHECK(contains(shown(box, "fusebox logs --fol", "*low*"), "low"));
  const auto group = shown(box, "fusebox plugins ", "*untrust*");
  for (const auto* word : {"check", "info", "list", "trust", "untrust"}) {
    INFO(group);
    CHECK(contains(group, word));
  }
  CHECK_FALSE(contains(group, "deploy"));
}

TEST_CASE("zsh completes phases of the stack") {
  const Sandbox box;
  box.write("fusebox.toml", "[stack]\nname = \"test\"\n[phases.nightly]\nsteps = []\n");
  CHECK(contains(shown(box, "fusebox run nig", "*htly*"), "htly"));
}
