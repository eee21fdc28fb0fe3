// SPDX-License-Identifier: Apache-2.0
// Every hostile plugin in a process of its own, in the real program: whatever it does costs its
// step and nothing more. What is before it is undone, the exit code is right, and the message says
// why.
#include "e2e/harness.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>
#include <iterator>

using fusebox::test::CallOptions;
using fusebox::test::contains;
using fusebox::test::Ended;
using fusebox::test::Sandbox;
namespace fs = std::filesystem;

namespace {

void write_stack(const Sandbox& sandbox, const std::string& animal, const std::string& options = "",
                 const std::string& settings = "isolation = \"process\"\n") {
  sandbox.write("fusebox.toml", fmt::format(R"([stack]
name = "zoo"

[plugins.sample-touch]
folder = "."
isolation = "none"

[plugins.zoo-{0}]
{2}
[phases.deploy]
steps = [
  {{ step = "sample-touch.make", with = {{ file = "made" }} }},
  {{ step = "zoo-{0}.bite"{1} }},
  {{ step = "sample-touch.make", with = {{ file = "last" }} }},
]
)",
                                            animal, options, settings));
}

Ended call(const Sandbox& sandbox, std::vector<std::string> words) {
  std::vector<std::string> args{"--plugin-dir", FUSEBOX_TEST_PLUGINS};
  args.insert(args.end(), words.begin(), words.end());
  return sandbox.fusebox(args);
}

// What came of the run: all of it, none of it.
enum class Left { everything, nothing };

struct Case {
  std::string animal;
  int exit_code;
  Left left;
  std::string says;
};

void check(const Case& c, const std::string& options = "") {
  CAPTURE(c.animal);
  Sandbox sandbox;
  write_stack(sandbox, c.animal, options);
  const Ended ended = call(sandbox, {"deploy"});
  INFO(ended.all());
  CHECK(ended.exit_code == c.exit_code);
  CHECK(contains(ended.out + ended.err, c.says));
  CHECK(fs::exists(sandbox / "made") == (c.left == Left::everything));
  CHECK(fs::exists(sandbox / "last") == (c.left == Left::everything));
  // Nothing is left open, unless an undo could not be made.
  const Ended next = call(sandbox, {"recover", "--undo"});
  INFO(next.all());
  CHECK(next.exit_code == (c.exit_code == 6 ? 6 : 0));
}

}  // namespace

TEST_CASE("a plugin that ends, or ruins, its process costs its step") {
  const std::string process = "the process of plugin \"zoo-";
  const std::string segv = "was killed by signal 11 (Segmentation fault)";
  for (const Case& c : std::initializer_list<Case>{
           {"aborts", 1, Left::nothing, process + "aborts\" was killed by signal 6 (Aborted)"},
           {"segfaults", 1, Left::nothing, process + "segfaults\" " + segv},
           {"crashes-load", 1, Left::nothing, process + "crashes-load\" " + segv},
           {"crashes-create", 1, Left::nothing, process + "crashes-create\" " + segv},
           {"crashes-interface", 1, Left::nothing, process + "crashes-interface\" " + segv},
           {"crashes-undo", 6, Left::nothing, process + "crashes-undo\" " + segv},
           {"crashes-observer", 0, Left::everything, process + "crashes-observer\" " + segv},
           {"crashes-destroy", 0, Left::everything, "deploy"},
           {"hangs-destroy", 0, Left::everything, "deploy"},
           {"overflows-stack", 1, Left::nothing, segv},
           {"hogs-memory", 1, Left::nothing, process + "hogs-memory\" was killed by signal"},
           {"corrupts-heap", 1, Left::nothing, process + "corrupts-heap\" was killed by signal 6"},
           {"exits", 1, Left::nothing, process + "exits\" called exit(0)"},
           {"exits-orderly", 1, Left::nothing, process + "exits-orderly\" called exit(3)"},
           {"terminates", 1, Left::nothing, "was killed by signal 15 (Terminated)"},
           {"kills-group", 1, Left::nothing, "was killed by signal 9 (Killed)"},
           // A process of the same user can end ours; who watches over it undoes the run.
           {"kills-parent", 1, Left::nothing, "killed by signal 9 (Killed)"},
           {"forks", 1, Left::nothing, process + "forks\" called exit(0)"},
           {"closes-fds", 1, Left::nothing, process + "closes-fds\" was"},
           {"writes-garbage", 1, Left::nothing, "it sent something that is no message"},
       })
    check(c);
}

TEST_CASE("a plugin that breaks the ABI is told of as in fusebox's own process") {
  for (const Case& c : std::initializer_list<Case>{
           {"fails", 1, Left::nothing, "the disk of the zoo is full"},
           {"fails-mute", 1, Left::nothing, "failed (io) without saying why"},
           {"unknown-code", 1, Left::nothing, "answered with -5, which is no result code"},
           {"floods", 1, Left::nothing, "wrote a result of more than 16 MiB"},
           {"not-json", 1, Left::nothing, "answered with something that is no JSON"},
           {"answers-twice", 1, Left::nothing, "answered with something that is no JSON"},
           {"bad-utf8", 1, Left::nothing, "answered with something that is no JSON"},
           {"bad-checkpoint", 1, Left::nothing, "a checkpoint must be one JSON object"},
           {"throws", 1, Left::nothing, "let an exception out"},
           {"throws-create", 1, Left::nothing, "let an exception out"},
           {"wrong-thread", 1, Left::nothing, "called checkpoint() from a thread"},
           {"writes-elsewhere", 1, Left::nothing, "wrote its result from a thread"},
           {"steals-secret", 1, Left::nothing, "which neither its manifest nor its settings name"},
           {"unavailable", 1, Left::nothing, "the zoo is closed"},
           {"unhealthy", 1, Left::nothing, "the lion is loose"},
           {"null-slot", 1, Left::nothing, "lacks a function of fusebox.step/1"},
           {"null-create", 1, Left::nothing, "lacks create, destroy or get_interface"},
           {"null-instance", 1, Left::nothing, "gave none"},
           {"null-plugin", 1, Left::nothing, "has an entry record without a plugin"},
           {"no-entry", 1, Left::nothing, "does not export fusebox_plugin_entry_v1"},
           {"no-table", 1, Left::nothing, "has no table for it"},
           {"short-table", 1, Left::nothing, "has a table of 16 bytes for fusebox.step/1"},
           {"short-entry", 1, Left::nothing, "has an entry record of 8 bytes"},
           {"short-plugin", 1, Left::nothing, "has a plugin record of 16 bytes"},
           {"bad-magic", 1, Left::nothing, "has a bad entry record"},
           {"other-manifest", 1, Left::nothing, "was built with another manifest"},
           {"lingers", 0, Left::everything, "deploy"},
           {"leaks-threads", 0, Left::everything, "deploy"},
           {"chats", 0, Left::everything, "deploy"},
           {"crowd", 0, Left::everything, "2000 visits"},
       })
    check(c);
}

TEST_CASE("a plugin that does not end is killed, and its step undone in a new process") {
  // unit_plugin_isolated has the other ways to hang, with less patience.
  check({"hangs", 1, Left::nothing, "of its deadline, and its process was killed"},
        ", timeout = \"300ms\"");
}

TEST_CASE("a plugin that crashes when asked for its plan is a line of the plan") {
  Sandbox sandbox;
  write_stack(sandbox, "crashes-plan");
  const Ended ended = call(sandbox, {"plan", "deploy"});
  INFO(ended.all());
  CHECK(contains(ended.out, "the process of plugin \"zoo-crashes-plan\" was killed by signal 11"));
  CHECK(contains(ended.out, "sample-touch.make"));
}

TEST_CASE("a plugin of somebody else's is isolated unless the settings trust it") {
  Sandbox sandbox;
  write_stack(sandbox, "aborts", "", "");
  CHECK(contains(call(sandbox, {"deploy"}).out, "the process of plugin \"zoo-aborts\" was killed"));
  write_stack(sandbox, "aborts", "", "isolation = \"none\"\n");
  CHECK(contains(call(sandbox, {"deploy"}).out, "the process died in step zoo-aborts.bite"));
}

TEST_CASE("the list of plugins and what is known of one say where they run") {
  Sandbox sandbox;
  write_stack(sandbox, "aborts", "", "isolation = \"none\"\n");
  const Ended list = call(sandbox, {"--json", "plugins", "list"});
  const auto lines = list.lines();
  REQUIRE(lines.size() == 1);
  int seen = 0;
  for (const auto& plugin : lines[0].at("plugins").as_array()) {
    const auto& object = plugin.as_object();
    if (object.at("id") == "zoo-aborts") CHECK(object.at("isolation") == "none");
    if (object.at("id") == "zoo-waits") CHECK(object.at("isolation") == "process");
    seen += object.at("id") == "zoo-aborts" || object.at("id") == "zoo-waits" ? 1 : 0;
  }
  CHECK(seen == 2);
  CHECK(contains(call(sandbox, {"plugins", "info", "zoo-waits"}).out, "isolation process"));
}

TEST_CASE("a secret that an isolated plugin says aloud is in no output and no file") {
  const std::string canary = "canary-51c2-Zz-value";
  Sandbox sandbox;
  write_stack(sandbox, "leaks-secret", "",
              "isolation = \"process\"\n[plugins.secrets-file]\nfile = \"secrets.env\"\n"
              "isolation = \"process\"\n");
  const fs::path file = sandbox.write("secrets.env", "ZOO_SECRET=" + canary + "\n");
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  const Ended ended = call(sandbox, {"-v", "deploy"});
  INFO(ended.all());
  CHECK(ended.exit_code == 1);
  CHECK(contains(ended.out, "[redacted:ZOO_SECRET]"));
  CHECK_FALSE(contains(ended.out + ended.err, canary));
  for (const auto& entry : fs::recursive_directory_iterator(sandbox.path())) {
    if (!entry.is_regular_file() || entry.path() == file) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    CHECK_MESSAGE(!contains(text, canary), entry.path().string());
  }
}
