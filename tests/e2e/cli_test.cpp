// SPDX-License-Identifier: Apache-2.0
#include "e2e/harness.hpp"
#include "support/search.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include <filesystem>

namespace fs = std::filesystem;
using fusebox::test::contains;
using fusebox::test::Ended;
using fusebox::test::Sandbox;

TEST_CASE("version says the program's and the ABI's") {
  const Sandbox box;
  const auto ended = box.fusebox({"version"});
  INFO(ended.all());
  CHECK(ended.exit_code == 0);
  CHECK(ended.out.starts_with("fusebox "));
  CHECK(contains(ended.out, "plugin ABI 1."));
  CHECK(ended.err.empty());
  CHECK(box.fusebox({"--version"}).out == ended.out);
}

TEST_CASE("version reads no configuration, not even a broken one") {
  const Sandbox box;
  box.write("fusebox.toml", "this is no TOML");
  CHECK(box.fusebox({"version"}).exit_code == 0);
  CHECK(box.fusebox({"completion", "bash"}).exit_code == 0);
  CHECK(box.fusebox({"deploy", "--help"}).exit_code == 0);
}

TEST_CASE("version answers in JSON") {
  const Sandbox box;
  const auto ended = box.fusebox({"version", "--json"});
  const auto lines = ended.lines();
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].at("version").is_string());
}

TEST_CASE("help lists the commands in groups") {
  const Sandbox box;
  const auto ended = box.fusebox({"help"});
  INFO(ended.all());
  CHECK(ended.exit_code == 0);
  for (const auto* word : {"deploy", "logs", "recover", "doctor", "completion", "Set-up"})
    CHECK(contains(ended.out, word));
  CHECK_FALSE(contains(ended.out, "complete "));
}

TEST_CASE("no command at all prints help and is wrong usage") {
  const Sandbox box;
  const auto ended = box.fusebox({});
  CHECK(ended.exit_code == 2);
  CHECK(contains(ended.out, "Usage:"));
  CHECK(box.fusebox({"--help"}).exit_code == 0);
}

TEST_CASE("a command's help shows usage, options, examples and exit codes") {
  const Sandbox box;
  const auto ended = box.fusebox({"logs", "--help"});
  INFO(ended.all());
  CHECK(ended.exit_code == 0);
  for (const auto* part : {"Usage: fusebox logs", "--follow", "Examples", "Exit codes", "--config"})
    CHECK(contains(ended.out, part));
  CHECK(box.fusebox({"help", "logs"}).out == ended.out);
  CHECK(box.fusebox({"--help", "logs"}).out == ended.out);
}

TEST_CASE("help on a group of commands lists them") {
  const Sandbox box;
  const auto ended = box.fusebox({"help", "plugins"});
  CHECK(ended.exit_code == 0);
  CHECK(contains(ended.out, "plugins trust"));
}

TEST_CASE("an unknown command names the nearest one") {
  const Sandbox box;
  const auto ended = box.fusebox({"helth"});
  CHECK(ended.exit_code == 2);
  CHECK(ended.out.empty());
  CHECK(contains(ended.err,
                 "error: unknown command \"helth\"\n  hint: did you mean `fusebox health`?"));
}

TEST_CASE("an unknown option names the nearest one and its command") {
  const Sandbox box;
  const auto ended = box.fusebox({"ps", "--jsno"});
  CHECK(ended.exit_code == 2);
  CHECK(contains(ended.err,
                 "error: unknown option --jsno for `fusebox ps`\n  hint: did you mean --json?"));
  CHECK(contains(box.fusebox({"--jsno", "ps"}).err, "unknown option --jsno\n"));
}

TEST_CASE("options are not guessed from their beginnings") {
  const Sandbox box;
  CHECK(box.fusebox({"version", "--jso"}).exit_code == 2);
}

TEST_CASE("a missing argument is wrong usage, with the usage as the hint") {
  const Sandbox box;
  const auto ended = box.fusebox({"plan"});
  CHECK(ended.exit_code == 2);
  CHECK(contains(ended.err, "usage: fusebox plan PHASE"));
  CHECK(contains(box.fusebox({"version", "now"}).err, "takes no argument \"now\""));
}

TEST_CASE("an option without its value says so") {
  const Sandbox box;
  const auto ended = box.fusebox({"ps", "--set"});
  CHECK(ended.exit_code == 2);
  CHECK(contains(ended.err, "error: --set needs a value\n  hint: write --set=KEY=VALUE"));
  CHECK(contains(box.fusebox({"version", "--json=yes"}).err, "--json takes no value"));
}

TEST_CASE("errors are JSON on stdout with --json") {
  const Sandbox box;
  const auto ended = box.fusebox({"helth", "--json"});
  CHECK(ended.exit_code == 2);
  CHECK(ended.err.empty());
  const auto lines = ended.lines();
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].at("type") == "error");
  CHECK(lines[0].at("exit_code") == 2);
  CHECK(lines[0].at("code") == "argument");
}

TEST_CASE("a command that needs a configuration says where it looked") {
  const Sandbox box;
  const auto ended = box.fusebox({"ps"});
  CHECK(ended.exit_code == 2);
  CHECK(contains(ended.err, "no fusebox.toml in " + box.path().string()));
  CHECK(contains(ended.err, "-c FILE"));
}

TEST_CASE("plugins list finds plugins by their manifests and tells of refused ones") {
  const Sandbox box;
  const auto dir = std::string(std::getenv("FUSEBOX_TEST_PLUGINS"));
  const auto ended = box.fusebox({"plugins", "list", "--plugin-dir", dir});
  INFO(ended.all());
  CHECK(ended.exit_code == 0);
  CHECK(contains(ended.out, "sample-touch"));
  box.write("mine/broken.fusebox.toml", "id = 1");
  const auto refused = box.fusebox({"plugins", "--plugin-dir", "mine"});
  CHECK(refused.exit_code == 0);
  CHECK(contains(refused.err, "broken is refused"));
}

TEST_CASE("plugins info shows verbs and settings with their descriptions") {
  const Sandbox box;
  const auto dir = std::string(std::getenv("FUSEBOX_TEST_PLUGINS"));
  const auto ended = box.fusebox({"plugins", "info", "sample-touch", "--plugin-dir", dir});
  INFO(ended.all());
  CHECK(ended.exit_code == 0);
  CHECK(contains(ended.out, "make: Makes a file (can be undone)"));
  CHECK(contains(ended.out, "greeting (text with ${secret:NAME}, default \"hello\")"));
  const auto wrong = box.fusebox({"plugins", "info", "sample-tuch", "--plugin-dir", dir});
  CHECK(wrong.exit_code == 1);
  CHECK(contains(wrong.err, "did you mean sample-touch?"));
}

TEST_CASE("a plugin's command may not take an option of fusebox's own") {
  const Sandbox box;
  const auto dir = fs::path(std::getenv("FUSEBOX_TEST_PLUGINS"));
  auto manifest = fusebox::test::slurp(dir / "sample-touch.fusebox.toml");
  manifest.replace(manifest.find("options.fail_undo]"), 18, "options.config]");
  box.write("mine/sample-touch.fusebox.toml", manifest);
  fs::copy_file(dir / "sample-touch.so", box / "mine/sample-touch.so");
  box.write("fusebox.toml", "[stack]\nname = 'x'\n[plugins.sample-touch]\nfolder = '.'\n");
  const auto ended = box.fusebox({"--plugin-dir", "mine", "touch", "--file", "a"});
  INFO(ended.all());
  CHECK(ended.exit_code == 2);
  CHECK(contains(ended.err, "has an option --config, which is fusebox's own"));
  CHECK_FALSE(fs::exists(box / "a"));
}

TEST_CASE("plugins check loads a library and holds it against its manifest") {
  const Sandbox box;
  const auto dir = std::string(std::getenv("FUSEBOX_TEST_PLUGINS"));
  const auto good = box.fusebox({"plugins", "check", dir + "/sample-touch.so"});
  INFO(good.all());
  CHECK(good.exit_code == 0);
  const auto bad = box.fusebox({"plugins", "check", dir + "/zoo-bad-magic.so"});
  CHECK(bad.exit_code == 1);
  CHECK(contains(bad.err, "bad entry record"));
  const auto other = box.fusebox({"plugins", "check", "zoo-other-manifest", "--plugin-dir", dir});
  CHECK(other.exit_code != 0);
  CHECK(contains(other.err, "another manifest"));
}

TEST_CASE("doctor works without a stack and has no effect") {
  const Sandbox box;
  const auto ended = box.fusebox({"doctor"});
  INFO(ended.all());
  CHECK(contains(ended.out, "locked memory"));
  CHECK(contains(ended.out, "no fusebox.toml"));
  CHECK(std::filesystem::is_empty(box / "home"));
}
