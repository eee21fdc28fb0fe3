// SPDX-License-Identifier: Apache-2.0
// Every hostile plugin, in the real program, after a step with an effect: the effect is undone, the
// exit code is right, and the message names the step.
#include "e2e/harness.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>

#include <fstream>
#include <thread>

using fusebox::test::CallOptions;
using fusebox::test::Ended;
using fusebox::test::Sandbox;
namespace fs = std::filesystem;

namespace {

// A stack whose deploy makes a file and then meets `animal`; `options` are the animal's step's.
void write_stack(const Sandbox& sandbox, const std::string& animal, const std::string& options = "",
                 const std::string& more = "") {
  sandbox.write("fusebox.toml", fmt::format(R"([stack]
name = "zoo"

[plugins.sample-touch]
folder = "."

[plugins.zoo-{0}]

[phases.deploy]
steps = [
  {{ step = "sample-touch.make", with = {{ file = "made" }} }},
  {{ step = "zoo-{0}.bite"{1} }},
  {{ step = "sample-touch.make", with = {{ file = "never" }} }},
]
{2})",
                                            animal, options, more));
}

Ended deploy(const Sandbox& sandbox, CallOptions options = {}) {
  return sandbox.fusebox({"--plugin-dir", FUSEBOX_TEST_PLUGINS, "deploy"}, options);
}

bool says(const Ended& ended, std::string_view text) {
  return ended.out.find(text) != std::string::npos || ended.err.find(text) != std::string::npos;
}

void check_undone(const Sandbox& sandbox, const Ended& ended, const std::string& step) {
  INFO(ended.all());
  CHECK(says(ended, step));
  CHECK_FALSE(fs::exists(sandbox / "made"));
  CHECK_FALSE(fs::exists(sandbox / "never"));
  // Nothing is left to recover: the next command may begin.
  const Ended next = sandbox.fusebox({"--plugin-dir", FUSEBOX_TEST_PLUGINS, "recover", "--undo"});
  INFO(next.all());
  CHECK(next.exit_code == 0);
}

struct Case {
  const char* animal;
  const char* expected;
};

void check_each(std::initializer_list<Case> cases) {
  for (const Case& c : cases) {
    CAPTURE(c.animal);
    Sandbox sandbox;
    write_stack(sandbox, c.animal);
    const Ended ended = deploy(sandbox);
    CHECK(ended.exit_code == 1);
    CHECK_MESSAGE(says(ended, c.expected), ended.all());
    check_undone(sandbox, ended, fmt::format("zoo-{}.bite", c.animal));
  }
}

}  // namespace

TEST_CASE("a step that fails in any way is undone with all before it, and named") {
  check_each({
      {"fails", "the disk of the zoo is full"},
      {"fails-mute", "failed (io) without saying why"},
      {"unknown-code", "answered with -5, which is no result code"},
      {"floods", "wrote a result of more than 16 MiB"},
      {"not-json", "answered with something that is no JSON"},
      {"bad-utf8", "answered with something that is no JSON"},
      {"throws", "let an exception out"},
      {"wrong-thread", "called checkpoint() from a thread that does not run the op"},
      {"unhealthy", "the lion is loose"},
      {"null-slot", "lacks a function of fusebox.step/1"},
      {"bad-magic", "has a bad entry record"},
      {"no-table", "has no table for it"},
      {"null-instance", "gave none"},
      {"other-manifest", "was built with another manifest"},
  });
}

TEST_CASE("a plugin that takes the process down costs its step, and the steps before are undone") {
  check_each({{"aborts", "signal 6 (Aborted)"},
              {"segfaults", "signal 11 (Segmentation fault)"},
              {"exits", "a plugin that called exit(0)"}});
}

TEST_CASE("a step that waits ends at its deadline") {
  Sandbox sandbox;
  write_stack(sandbox, "waits", ", timeout = \"300ms\"");
  const Ended ended = deploy(sandbox);
  CHECK(ended.exit_code == 1);
  check_undone(sandbox, ended, "zoo-waits.bite");
}

TEST_CASE("a step that hangs, deaf to its deadline, is left behind and the rest is undone") {
  Sandbox sandbox;
  write_stack(sandbox, "hangs", ", timeout = \"300ms\"");
  const Ended ended = deploy(sandbox);
  CHECK(ended.exit_code != 0);
  INFO(ended.all());
  CHECK(says(ended, "zoo-hangs.bite"));
  CHECK_FALSE(fs::exists(sandbox / "made"));
}

TEST_CASE("only an unavailable step is tried again") {
  Sandbox sandbox;
  SUBCASE("unavailable") {
    write_stack(sandbox, "unavailable", ", retries = 2");
    const Ended ended = sandbox.fusebox({"--plugin-dir", FUSEBOX_TEST_PLUGINS, "--json", "deploy"});
    CHECK(ended.exit_code == 1);
    int retries = 0;
    for (const auto& line : ended.lines()) retries += line.at("type") == "step_retrying" ? 1 : 0;
    CHECK(retries == 2);
  }
  SUBCASE("anything else") {
    write_stack(sandbox, "fails", ", retries = 2");
    const Ended ended = sandbox.fusebox({"--plugin-dir", FUSEBOX_TEST_PLUGINS, "--json", "deploy"});
    CHECK(ended.exit_code == 1);
    for (const auto& line : ended.lines()) CHECK(line.at("type") != "step_retrying");
  }
}

TEST_CASE("a step that cannot be undone ends in exit code 6 and says what is left") {
  Sandbox sandbox;
  write_stack(sandbox, "fails");
  sandbox.write("fusebox.toml", R"([stack]
name = "zoo"
[plugins.sample-touch]
folder = "."
[plugins.zoo-fails]
[phases.deploy]
steps = [
  { step = "sample-touch.make", with = { file = "made", fail_undo = true } },
  "zoo-fails.bite",
]
)");
  const Ended ended = deploy(sandbox);
  INFO(ended.all());
  CHECK(ended.exit_code == 6);
  CHECK(says(ended, "the file clings to its folder"));
  CHECK(says(ended, "remove it by hand"));
  CHECK(fs::exists(sandbox / "made"));
}

TEST_CASE("a secret that a plugin says aloud is in no output and no file") {
  const std::string canary = "canary-9e17-Zz-value";
  Sandbox sandbox;
  write_stack(sandbox, "leaks-secret", "", "[plugins.secrets-file]\nfile = \"secrets.env\"\n");
  const fs::path file = sandbox.write("secrets.env", "ZOO_SECRET=" + canary + "\n");
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  for (const char* format : {"--json", "-v"}) {
    const Ended ended = sandbox.fusebox({"--plugin-dir", FUSEBOX_TEST_PLUGINS, format, "deploy"});
    CHECK(ended.exit_code == 1);
    CHECK_MESSAGE(says(ended, "[redacted:ZOO_SECRET]"), ended.all());
    CHECK_FALSE(says(ended, canary));
  }
  for (const auto& entry : fs::recursive_directory_iterator(sandbox.path())) {
    if (!entry.is_regular_file() || entry.path() == file) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    CHECK_MESSAGE(text.find(canary) == std::string::npos, entry.path().string());
  }
}

TEST_CASE("an observer sees the events of a run, and cannot stop it") {
  Sandbox sandbox;
  sandbox.write("fusebox.toml", R"([stack]
name = "zoo"
[plugins.sample-touch]
folder = "."
observe = true
[phases.deploy]
steps = [{ step = "sample-touch.make", with = { file = "made" } }]
)");
  CHECK(deploy(sandbox).exit_code == 0);
  std::ifstream events(sandbox / "events.jsonl");
  std::string all((std::istreambuf_iterator<char>(events)), {});
  CHECK(all.find("run_started") != std::string::npos);
  CHECK(all.find("run_finished") != std::string::npos);
}
