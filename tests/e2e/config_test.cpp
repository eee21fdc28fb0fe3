// SPDX-License-Identifier: Apache-2.0
#include "e2e/harness.hpp"
#include "support/search.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include <cstdlib>
#include <string>

using fusebox::test::CallOptions;
using fusebox::test::contains;
using fusebox::test::Sandbox;

namespace {

CallOptions with_test_plugins() {
  return {.environment = {{"FUSEBOX_PLUGIN_PATH", std::getenv("FUSEBOX_TEST_PLUGINS")}},
          .stdin_text = {},
          .cwd = {}};
}

constexpr const char* good = R"([stack]
name = "test"

[plugins.sample-touch]
folder = "."

[phases.make]
steps = [{ step = "sample-touch.make", with = { file = "a" } }, { step = "sample-touch.make", with = { file = "b" } }]

[commands.say]
service = "none"
command = ["echo"]
help = "Say something"
)";

}  // namespace

TEST_CASE("config check says that a good configuration is fine") {
  const Sandbox box;
  box.write("fusebox.toml", good);
  const auto ended = box.fusebox({"config", "check"}, with_test_plugins());
  INFO(ended.all());
  CHECK(ended.exit_code == 0);
  CHECK(contains(ended.out, "stack test, 1 plugin, phases make"));
}

TEST_CASE("config check prints every problem with its place") {
  const Sandbox box;
  box.write("fusebox.toml", R"([stack]
name = "test"
[plugins.sample-touch]
foldr = "."
[plugins.nothing-like-it]
)");
  const auto ended = box.fusebox({"config", "check"}, with_test_plugins());
  INFO(ended.all());
  CHECK(ended.exit_code == 2);
  CHECK(contains(ended.err, "fusebox.toml:4:1"));
  CHECK(contains(ended.err, "foldr"));
  CHECK(contains(ended.err, "fusebox.toml:5"));
}

TEST_CASE("config check with --json has one object per problem") {
  const Sandbox box;
  box.write("fusebox.toml", "[stack]\nname = 1\nnam = 2\n");
  const auto ended = box.fusebox({"config", "check", "--json"});
  CHECK(ended.exit_code == 2);
  const auto lines = ended.lines();
  REQUIRE(lines.size() >= 2);
  for (const auto& line : lines) {
    CHECK(line.at("type") == "error");
    CHECK(line.at("line").to_number<int>() > 0);
  }
}

TEST_CASE("config show says where each value comes from") {
  const Sandbox box;
  box.write("fusebox.toml", good);
  const auto ended = box.fusebox({"config", "show", "--set", "stack.name=other"});
  INFO(ended.all());
  CHECK(ended.exit_code == 0);
  CHECK(contains(ended.out, "\"other\""));
  CHECK(contains(ended.out, "--set"));
  CHECK(contains(ended.out, "fusebox.toml:5:1\n"));
}

TEST_CASE("config path names the file that was found upward") {
  const Sandbox box;
  const auto file = box.write("fusebox.toml", good);
  std::filesystem::create_directories(box / "deep/down");
  CallOptions options;
  options.cwd = box / "deep/down";
  const auto ended = box.fusebox({"config", "path"}, options);
  CHECK(contains(ended.out, file.string()));
  CHECK(contains(ended.out, box.state_dir("test").string()));
}

TEST_CASE("FUSEBOX_CONFIG names the file, and -c wins over it") {
  const Sandbox box;
  box.write("a.toml", "[stack]\nname = \"from-a\"\n");
  box.write("b.toml", "[stack]\nname = \"from-b\"\n");
  CallOptions options;
  options.environment = {{"FUSEBOX_CONFIG", (box / "a.toml").string()}};
  CHECK(contains(box.fusebox({"config", "show"}, options).out, "from-a"));
  CHECK(contains(box.fusebox({"config", "show", "-c", "b.toml"}, options).out, "from-b"));
  CHECK(contains(box.fusebox({"-c", "b.toml", "config", "show"}, options).out, "from-b"));
}

TEST_CASE("plan draws the pipeline with each step's own plan and does nothing") {
  const Sandbox box;
  box.write("fusebox.toml", good);
  const auto ended = box.fusebox({"plan", "make"}, with_test_plugins());
  INFO(ended.all());
  CHECK(ended.exit_code == 0);
  CHECK(contains(ended.out, "sample-touch.make"));
  CHECK(contains(ended.out, "make a"));
  CHECK_FALSE(std::filesystem::exists(box / "a"));
  CHECK(box.fusebox({"run", "make", "--dry-run"}, with_test_plugins()).out == ended.out);
  CHECK_FALSE(std::filesystem::exists(box.state_dir("test") / "runs"));
}

TEST_CASE("plan speaks JSON and Mermaid") {
  const Sandbox box;
  box.write("fusebox.toml", good);
  const auto mermaid = box.fusebox({"plan", "make", "--format", "mermaid"}, with_test_plugins());
  CHECK(contains(mermaid.out, "flowchart"));
  const auto json = box.fusebox({"plan", "make", "--format=json"}, with_test_plugins());
  CHECK_NOTHROW(boost::json::parse(json.out));
  CHECK(box.fusebox({"plan", "make", "--format=xml"}, with_test_plugins()).exit_code == 2);
}

TEST_CASE("an unknown phase names the nearest one") {
  const Sandbox box;
  box.write("fusebox.toml", good);
  const auto ended = box.fusebox({"run", "mkae"}, with_test_plugins());
  INFO(ended.all());
  CHECK(ended.exit_code == 2);
  CHECK(contains(ended.err, "make"));
}

TEST_CASE("a phase as a command is pointed to run") {
  const Sandbox box;
  box.write("fusebox.toml", R"([stack]
name = "test"
[phases.sweep-floor]
steps = []
)");
  const auto ended = box.fusebox({"sweep-floor"}, with_test_plugins());
  CHECK(ended.exit_code == 2);
  CHECK(contains(ended.err, "fusebox run sweep-floor"));
}

TEST_CASE("help lists the stack's own commands, and survives a broken configuration") {
  const Sandbox box;
  box.write("fusebox.toml", good);
  const auto ended = box.fusebox({"help"}, with_test_plugins());
  CHECK(contains(ended.out, "Commands of this stack\n  say          Say something\n  touch "));
  CHECK(contains(box.fusebox({"help", "say"}, with_test_plugins()).out,
                 "Usage: fusebox say [-- ARG...]"));
  box.write("fusebox.toml", "nonsense");
  const auto broken = box.fusebox({"help"});
  CHECK(broken.exit_code == 0);
  CHECK(contains(broken.out, "deploy"));
  CHECK(contains(broken.err, "are not shown"));
}

TEST_CASE("a folder must be trusted before its configuration may name plugin folders") {
  const Sandbox box;
  box.write("fusebox.toml", "[stack]\nname = \"test\"\nplugin_dirs = [\"mine\"]\n");
  const auto refused = box.fusebox({"plugins", "list"});
  INFO(refused.all());
  CHECK(refused.exit_code != 0);
  CHECK(contains(refused.err, "fusebox config trust"));
  CHECK(box.fusebox({"config", "trust"}).exit_code == 0);
  CHECK(box.fusebox({"plugins", "list"}).exit_code == 0);
  CHECK(box.fusebox({"config", "untrust"}).exit_code == 0);
  CHECK(box.fusebox({"plugins", "list"}).exit_code != 0);
}

TEST_CASE("plugins trust pins what runs, and a changed library is refused") {
  const Sandbox box;
  const std::filesystem::path dir = std::getenv("FUSEBOX_TEST_PLUGINS");
  std::filesystem::create_directories(box / "plugins");
  for (const auto* name : {"sample-touch.so", "sample-touch.fusebox.toml"}) {
    std::filesystem::copy_file(dir / name, box / "plugins" / name);
  }
  box.write("fusebox.toml", good);
  const std::vector<std::string> where = {"--plugin-dir", "plugins"};
  const auto call = [&](std::vector<std::string> args) {
    args.insert(args.end(), where.begin(), where.end());
    return box.fusebox(args);
  };
  CHECK(call({"plugins", "trust", "sample-touch"}).exit_code == 0);
  CHECK(contains(call({"plugins", "list"}).out, "pinned"));
  CHECK(call({"plan", "make"}).exit_code == 0);
  box.write("plugins/sample-touch.so", "not what it was");
  CHECK(contains(call({"plugins", "list"}).out, "changed"));
  const auto refused = call({"run", "make"});
  INFO(refused.all());
  CHECK(refused.exit_code == 1);
  CHECK(contains(refused.out, "not the file that was trusted"));
  CHECK_FALSE(contains(refused.out, "UNDO FAILED"));
  CHECK(call({"plugins", "untrust", "sample-touch"}).exit_code == 0);
  CHECK(call({"plugins", "untrust", "sample-touch"}).exit_code != 0);
}

TEST_CASE("observers are told of a run's events") {
  const Sandbox box;
  box.write("fusebox.toml", R"([stack]
name = "test"
[plugins.sample-touch]
folder = "."
observe = true
[phases.make]
steps = [{ step = "sample-touch.make", with = { file = "a" } }]
)");
  const auto ended = box.fusebox({"run", "make"}, with_test_plugins());
  INFO(ended.all());
  CHECK(ended.exit_code == 0);
  const auto events = fusebox::test::slurp(box / "events.jsonl");
  CHECK(contains(events, "run_started"));
  CHECK(contains(events, "step_finished"));
  CHECK(contains(events, "run_finished"));
}

TEST_CASE("plan draws a pipeline whose plugins are missing as far as it is known") {
  const Sandbox sandbox;
  sandbox.write("fusebox.toml", std::string(good) +
                                    "[plugins.elsewhere]\n[phases.deploy]\nsteps = "
                                    "[\"elsewhere.up\", \"sample-touch.make\"]\n");
  const auto ended = sandbox.fusebox({"plan", "deploy"}, with_test_plugins());
  INFO(ended.all());
  CHECK(ended.exit_code == 2);
  CHECK(contains(ended.out, "1. elsewhere.up"));
  CHECK(contains(ended.out, "! the plugin \"elsewhere\" is not installed"));
  CHECK(contains(ended.out, "2. sample-touch.make"));
  CHECK(contains(ended.err, "there is no plugin \"elsewhere\""));
}
