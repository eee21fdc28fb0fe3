// SPDX-License-Identifier: Apache-2.0
// Runs that are interrupted, killed or in each other's way, and commands that plugins bring along.
#include "e2e/harness.hpp"
#include "support/child.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <thread>

using fusebox::test::at_terminal;
using fusebox::test::Child;
using fusebox::test::contains;
using fusebox::test::Ended;
using fusebox::test::Sandbox;

namespace {

// A phase that makes a file and then waits for ever.
void write_stack(const Sandbox& box) {
  box.write("fusebox.toml", fmt::format(R"([stack]
name = "test"
[plugins.sample-touch]
folder = "."
[plugins.zoo-waits]
[phases.wait]
steps = [{{ step = "sample-touch.make", with = {{ file = "a" }} }}, {{ step = "zoo-waits.bite", timeout = "5m" }}]
[phases.quick]
steps = [{{ step = "sample-touch.make", with = {{ file = "b" }} }}]
)"));
}

std::vector<std::string> call(std::vector<std::string> args) {
  args.insert(args.end(), {"--plugin-dir", std::getenv("FUSEBOX_TEST_PLUGINS")});
  return args;
}

bool wait_for(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

// `fusebox run wait` in the background, once its second step runs.
Child waiting_run(const Sandbox& box) {
  fusebox::test::ChildSpec spec;
  spec.command = call({fusebox::test::fusebox_program().string(), "run", "wait"});
  spec.cwd = box.path();
  spec.log = box / "background.log";
  for (const auto& entry : box.environment()) {
    const auto equals = entry.find('=');
    spec.environment[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  Child child(spec);
  const bool reached = wait_for([&] {
    return contains(box.program({"cat", "background.log"}).out, "zoo-waits.bite: started");
  });
  CHECK_MESSAGE(reached, "the second step did not begin");
  return child;
}

}  // namespace

TEST_CASE("Ctrl-C ends the running step, undoes the others and exits 130") {
  const Sandbox box;
  write_stack(box);
  const auto ended = at_terminal(box, call({"run", "wait"}), {{"zoo-waits.bite", "\x03"}});
  INFO(ended.out);
  CHECK(ended.exit_code == 130);
  CHECK_FALSE(std::filesystem::exists(box / "a"));
  CHECK(box.fusebox(call({"recover"})).exit_code == 0);
}

TEST_CASE("SIGTERM does the same as Ctrl-C") {
  const Sandbox box;
  write_stack(box);
  Child child = waiting_run(box);
  ::kill(child.pid(), SIGTERM);
  CHECK(child.wait() == 130);
  CHECK_FALSE(std::filesystem::exists(box / "a"));
}

TEST_CASE("while a run holds the stack, others are told who, and reading goes on") {
  const Sandbox box;
  write_stack(box);
  Child child = waiting_run(box);
  const auto refused = box.fusebox(call({"run", "quick"}));
  INFO(refused.all());
  CHECK(refused.exit_code == 4);
  CHECK(contains(refused.err, "wait"));
  CHECK(contains(refused.err, std::to_string(child.pid())));
  CHECK_FALSE(std::filesystem::exists(box / "b"));
  CHECK(contains(box.fusebox(call({"runs"})).out, "running"));
  CHECK(box.fusebox(call({"plan", "quick"})).exit_code == 0);
  child.stop(SIGTERM);
}

TEST_CASE("a killed run is told of, refuses others, and recover brings back the state before") {
  const Sandbox box;
  write_stack(box);
  Child child = waiting_run(box);
  child.stop(SIGKILL);
  CHECK(std::filesystem::exists(box / "a"));

  const auto refused = box.fusebox(call({"run", "quick"}));
  INFO(refused.all());
  CHECK(refused.exit_code == 4);
  CHECK(contains(refused.err, "fusebox recover"));
  CHECK(contains(box.fusebox(call({"runs"})).out, "interrupted"));
  CHECK(contains(box.fusebox(call({"doctor"})).out, "fusebox recover"));

  SUBCASE("asked at a terminal") {
    const auto left = at_terminal(box, call({"recover"}), {{"[l]eave it? ", "l\n"}});
    CHECK(left.exit_code == 130);
    CHECK(std::filesystem::exists(box / "a"));
    const auto undone = at_terminal(box, call({"recover"}), {{"[u]ndo it", "u\n"}});
    INFO(undone.out);
    CHECK(undone.exit_code == 0);
  }
  SUBCASE("what cannot be started undoes nothing") {
    const auto started = box.fusebox(call({"recover", "--undo", "--start", "web"}));
    INFO(started.all());
    CHECK(started.exit_code == 1);
    CHECK(contains(started.err, "fusebox.runtime/1"));
    CHECK(std::filesystem::exists(box / "a"));
    CHECK(box.fusebox(call({"recover", "--undo"})).exit_code == 0);
  }
  SUBCASE("told by an option") {
    CHECK(box.fusebox(call({"recover"})).exit_code == 2);
    CHECK(box.fusebox(call({"recover", "--undo", "--resume"})).exit_code == 2);
    const auto undone = box.fusebox(call({"recover", "--undo"}));
    INFO(undone.all());
    CHECK(undone.exit_code == 0);
  }
  CHECK_FALSE(std::filesystem::exists(box / "a"));
  CHECK(box.fusebox(call({"run", "quick"})).exit_code == 0);
  CHECK(contains(box.fusebox(call({"recover"})).err, "nothing to recover"));
}

TEST_CASE("a manifest's command runs its verb, with the verb's options as its own") {
  const Sandbox box;
  write_stack(box);
  CHECK(contains(box.fusebox(call({"help"})).out, "touch        Make a file\n"));
  const auto help = box.fusebox(call({"touch", "--help"}));
  INFO(help.all());
  CHECK(contains(help.out, "--file TEXT"));
  CHECK(contains(help.out, "fusebox touch --file a"));

  const auto made = box.fusebox(call({"touch", "--file", "c"}));
  INFO(made.all());
  CHECK(made.exit_code == 0);
  CHECK(std::filesystem::exists(box / "c"));
  CHECK(box.fusebox(call({"touch", "twice", "--file=d"})).exit_code == 0);
  CHECK(std::filesystem::exists(box / "d"));
  CHECK(box.fusebox(call({"touch", "--dry-run", "--file", "e"})).exit_code == 0);
  CHECK_FALSE(std::filesystem::exists(box / "e"));

  const auto wrong = box.fusebox(call({"touch", "--flie", "c"}));
  CHECK(wrong.exit_code == 2);
  CHECK(contains(wrong.err, "did you mean --file?"));
  const auto missing = box.fusebox(call({"touch"}));
  INFO(missing.all());
  CHECK(missing.exit_code == 2);
  CHECK(contains(missing.err, "file"));
}

TEST_CASE("a manifest's command needs exactly one instance of its plugin") {
  const Sandbox box;
  box.write("fusebox.toml", "[stack]\nname = \"test\"\n");
  const auto none = box.fusebox(call({"touch", "--file", "c"}));
  CHECK(none.exit_code == 2);
  CHECK(contains(none.err, "add [plugins.sample-touch]"));

  std::filesystem::create_directories(box / "second");
  box.write("fusebox.toml", R"([stack]
name = "test"
[plugins.first]
use = "sample-touch"
folder = "."
[plugins.second]
use = "sample-touch"
folder = "second"
)");
  const auto two = box.fusebox(call({"touch", "--file", "c"}));
  CHECK(two.exit_code == 2);
  CHECK(contains(two.err, "--only first"));
  CHECK(box.fusebox(call({"touch", "--file", "c", "--only", "second"})).exit_code == 0);
  CHECK(std::filesystem::exists(box / "second/c"));
}

TEST_CASE("a reader that goes away is no error") {
  const Sandbox box;
  const auto ended = box.program(
      {"bash", "-c", "set -o pipefail; \"$0\" help | head -1; \"$0\" completion bash | true",
       fusebox::test::fusebox_program().string()});
  INFO(ended.all());
  CHECK(ended.exit_code == 0);
  CHECK(ended.err.empty());
}
