// SPDX-License-Identifier: Apache-2.0
#include "e2e/harness.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <set>
#include <sstream>

using fusebox::test::Sandbox;

namespace {

// What bash offers at the end of `line`.
std::set<std::string> offered(const Sandbox& box, const std::string& line) {
  const auto bin = fusebox::test::fusebox_program().parent_path().string();
  const auto script = fmt::format(R"(
PATH={}:$PATH
source <(fusebox completion bash)
line='{}'
COMP_WORDS=($line)
[[ $line == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
COMP_LINE=$line COMP_POINT=${{#line}}
_fusebox
printf '%s\n' "${{COMPREPLY[@]}}"
)",
                                  bin, line);
  const auto ended = box.program({"bash", "--norc", "-c", script});
  INFO(ended.all());
  CHECK(ended.exit_code == 0);
  CHECK(ended.err.empty());
  std::istringstream lines(ended.out);
  std::set<std::string> words;
  for (std::string word; std::getline(lines, word);) words.insert(word);
  return words;
}

using Words = std::set<std::string>;

}  // namespace

TEST_CASE("bash completes commands") {
  const Sandbox box;
  CHECK(offered(box, "fusebox dep") == Words{"deploy"});
  CHECK(offered(box, "fusebox re") == Words{"restart", "recover", "restore"});
  CHECK(offered(box, "fusebox -q sta") == Words{"start", "stats"});
}

TEST_CASE("bash completes the second word of a group") {
  const Sandbox box;
  CHECK(offered(box, "fusebox plugins ") == Words{"list", "info", "check", "trust", "untrust"});
  CHECK(offered(box, "fusebox config sh") == Words{"show"});
}

TEST_CASE("bash completes a command's own options and those of every command") {
  const Sandbox box;
  CHECK(offered(box, "fusebox logs --fol") == Words{"--follow"});
  CHECK(offered(box, "fusebox logs --j") == Words{"--json"});
  CHECK(offered(box, "fusebox ps --fol") == Words{""});
  CHECK(offered(box, "fusebox down --vol") == Words{"--volumes"});
}

TEST_CASE("bash completes values it knows") {
  const Sandbox box;
  box.write("stack.toml", "");
  CHECK(offered(box, "fusebox plan --format m") == Words{"mermaid"});
  CHECK(offered(box, "fusebox completion ") == Words{"bash", "zsh", "fish"});
  CHECK(offered(box, "fusebox -c sta") == Words{"stack.toml"});
}

TEST_CASE("bash completes phases and commands of the stack") {
  const Sandbox box;
  box.write("fusebox.toml", R"([stack]
name = "test"
[commands.db-shell]
service = "postgres"
command = ["psql"]
[phases.nightly]
steps = []
)");
  CHECK(offered(box, "fusebox run nig") == Words{"nightly"});
  CHECK(offered(box, "fusebox plan deplo") == Words{"deploy"});
  CHECK(offered(box, "fusebox db-") == Words{"db-shell"});
}

TEST_CASE("a broken configuration does not get in the way of completion") {
  const Sandbox box;
  box.write("fusebox.toml", "nonsense");
  CHECK(offered(box, "fusebox run x") == Words{""});
  CHECK(offered(box, "fusebox dep") == Words{"deploy"});
}

TEST_CASE("zsh and fish scripts name every command") {
  const Sandbox box;
  for (const auto* shell : {"zsh", "fish"}) {
    const auto script = box.fusebox({"completion", shell}).out;
    for (const auto* word : {"deploy", "clickhouse", "logs", "untrust", "recover"}) {
      const bool is_command = std::string_view(word) != "clickhouse";
      CHECK((script.find(word) != std::string::npos) == is_command);
    }
  }
  CHECK(box.fusebox({"completion", "csh"}).exit_code == 2);
}
