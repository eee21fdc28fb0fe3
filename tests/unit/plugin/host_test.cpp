// SPDX-License-Identifier: Apache-2.0
#include "stack.hpp"

#include <doctest/doctest.h>

#include <thread>

using namespace fusebox;
using fusebox::test::Stack;
namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

std::string zoo(const std::string& animal) { return fmt::format("[plugins.zoo-{}]\n", animal); }

}  // namespace

TEST_CASE("a plugin is loaded at its first call, runs, writes checkpoints and undoes") {
  Stack stack("[plugins.a]\nuse = \"sample-touch\"\nfolder = \".\"\n");
  REQUIRE(stack.problems.empty());
  const json::object with{{"file", "x"}, {"fail_undo", false}};
  const plugin::CallContext c = stack.context();

  CHECK(stack.host->plan("a", stack.request("make", with), c).at("actions").as_array().size() == 1);
  CHECK_FALSE(fs::exists(stack.dir / "x"));
  CHECK(stack.host->run("a", stack.request("make", with), c).at("changed").as_bool());
  CHECK(fs::exists(stack.dir / "x"));
  REQUIRE(stack.checkpoints.size() == 1);

  json::object undo = stack.request("make", with);
  undo["result"] = nullptr;
  undo["checkpoints"] = json::array{json::parse(stack.checkpoints[0])};
  stack.host->undo("a", undo, c);
  CHECK_FALSE(fs::exists(stack.dir / "x"));
}

TEST_CASE("the same plugin configured twice is two instances") {
  Stack stack(
      "[plugins.a]\nuse = \"sample-touch\"\nfolder = \".\"\ngreeting = \"from a\"\n"
      "[plugins.b]\nuse = \"sample-touch\"\nfolder = \".\"\ngreeting = \"from b\"\n");
  stack.run("a", "make", {{"file", "1"}, {"fail_undo", false}});
  stack.run("b", "make", {{"file", "2"}, {"fail_undo", false}});
  std::string one, two;
  std::getline(std::ifstream(stack.dir / "1"), one);
  std::getline(std::ifstream(stack.dir / "2"), two);
  CHECK(one == "from a");
  CHECK(two == "from b");
}

TEST_CASE("a broken entry record is refused before any function of the plugin runs") {
  const struct {
    const char* animal;
    const char* expected;
  } cases[] = {
      {"bad-magic", "has a bad entry record (magic 0xdeadbeef)"},
      {"short-entry", "has an entry record of 8 bytes, at least 24 are needed"},
      {"null-plugin", "has an entry record without a plugin"},
      {"short-plugin", "has a plugin record of 16 bytes, at least 40 are needed"},
      {"null-create", "lacks create, destroy or get_interface"},
      {"other-manifest", "was built with another manifest than zoo-other-manifest.fusebox.toml"},
      {"no-entry", "does not export fusebox_plugin_entry_v1"},
      {"no-table", "says in its manifest that it provides fusebox.step/1, but has no table for it"},
      {"null-instance", "said that it made an instance, but gave none"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.animal);
    Stack stack(zoo(c.animal));
    const std::string said = stack.failure(fmt::format("zoo-{}", c.animal));
    CHECK(said.find(c.expected) != std::string::npos);
    CHECK(said.find(fmt::format("plugin \"zoo-{}\"", c.animal)) != std::string::npos);
  }
}

TEST_CASE("what a plugin does wrong in a call ends in an error that names it") {
  const struct {
    const char* animal;
    const char* expected;
  } cases[] = {
      {"fails", "io: the disk of the zoo is full (feed fewer animals)"},
      {"fails-mute", "internal: plugin \"zoo-fails-mute\" failed (io) without saying why"},
      {"unknown-code",
       "internal: plugin \"zoo-unknown-code\" answered with -5, which is no result code"},
      {"floods", "internal: plugin \"zoo-floods\" wrote a result of more than 16 MiB"},
      {"not-json", "internal: plugin \"zoo-not-json\" answered with something that is no JSON"},
      {"bad-utf8", "internal: plugin \"zoo-bad-utf8\" answered with something that is no JSON"},
      {"wrong-thread", "internal: plugin \"zoo-wrong-thread\" called checkpoint() from a thread"},
      {"throws", "internal: plugin \"zoo-throws\" let an exception out"},
      {"null-slot", "unsupported: plugin \"zoo-null-slot\" lacks a function of fusebox.step/1"},
      {"unavailable", "unavailable: the zoo is closed (come back later)"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.animal);
    Stack stack(zoo(c.animal));
    const std::string said = stack.failure(fmt::format("zoo-{}", c.animal));
    CAPTURE(said);
    CHECK(said.starts_with(c.expected));
  }
}

TEST_CASE("log lines of a plugin are valid UTF-8 without control characters") {
  Stack stack(zoo("bad-utf8"));
  stack.failure("zoo-bad-utf8");
  REQUIRE(stack.log.size() == 1);
  CHECK(stack.log[0].find('\033') == std::string::npos);
  CHECK(stack.log[0].find('\a') == std::string::npos);
  CHECK(stack.log[0].find('\xff') == std::string::npos);
}

TEST_CASE("an op that is over stays harmless in the hands of a plugin that kept it") {
  Stack stack(zoo("lingers"));
  CHECK(stack.failure("zoo-lingers") == "ok");
  CHECK(stack.failure("zoo-lingers") == "ok");
  CHECK(stack.log.empty());
}

TEST_CASE("a plugin waits until it is cancelled, or until its deadline") {
  Stack stack(zoo("waits"));
  SUBCASE("cancelled") {
    std::thread canceller([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      stack.cancel.cancel();
    });
    plugin::CallContext c = stack.context();
    c.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    try {
      stack.host->run("zoo-waits", stack.request("bite"), c);
      FAIL("it did not wait");
    } catch (const Error& e) {
      CHECK(e.code() == Errc::cancelled);
    }
    canceller.join();
  }
  SUBCASE("deadline") {
    plugin::CallContext c = stack.context();
    c.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
    try {
      stack.host->run("zoo-waits", stack.request("bite"), c);
      FAIL("it did not wait");
    } catch (const Error& e) {
      CHECK(e.code() == Errc::timeout);
    }
  }
}

TEST_CASE("a secret that a plugin says aloud is seen by nobody") {
  Stack stack(zoo("leaks-secret"));
  stack.store.put("ZOO_SECRET", "canary-8f3a-value");
  const std::string said = stack.failure("zoo-leaks-secret");
  CHECK(said == "io: [redacted:ZOO_SECRET] ([redacted:ZOO_SECRET])");
  REQUIRE(stack.log.size() == 2);
  for (const std::string& line : stack.log) CHECK(line == "[redacted:ZOO_SECRET]");
}

TEST_CASE("a plugin gets only the secrets that its manifest or its settings name") {
  Stack stack(zoo("steals-secret"));
  stack.store.put("SOMEBODY_ELSES", "canary-8f3a-value");
  const std::string said = stack.failure("zoo-steals-secret");
  CHECK(said.starts_with(
      "denied: plugin \"zoo-steals-secret\" asked for the secret \"SOMEBODY_ELSES\""));
}

TEST_CASE("an unknown plugin is a problem that names the nearest one") {
  Stack stack("[plugins.x]\nuse = \"sample-tuoch\"\n");
  REQUIRE(stack.problems.size() == 1);
  CHECK(stack.problems[0].what == "there is no plugin \"sample-tuoch\"");
  CHECK(stack.problems[0].hint == "did you mean \"sample-touch\"?");
}

TEST_CASE("settings are checked against the manifest, all of them") {
  Stack stack("[plugins.a]\nuse = \"sample-touch\"\nfodler = \".\"\ngreeting = 3\n");
  CHECK(stack.problems.size() == 3);  // unknown key, missing folder, wrong type
}

TEST_CASE("with two providers of an interface, the config chooses") {
  const std::string two =
      "[plugins.a]\nuse = \"sample-touch\"\nfolder = \".\"\n[plugins.b]\nuse = "
      "\"sample-touch\"\nfolder = \".\"\n";
  SUBCASE("none chosen") {
    Stack stack(two);
    CHECK_THROWS_WITH_AS(stack.host->provider("fusebox.observer/1"),
                         "both \"a\" and \"b\" provide fusebox.observer/1", Error);
  }
  SUBCASE("one chosen") {
    Stack stack(two + "[use]\nobserver = \"b\"\n");
    CHECK(stack.host->provider("fusebox.observer/1").name == "b");
  }
  SUBCASE("none there") {
    Stack stack(two);
    CHECK_THROWS_WITH_AS(stack.host->provider("fusebox.runtime/1"),
                         "nothing in this stack provides fusebox.runtime/1", Error);
  }
}

TEST_CASE("a pinned plugin whose file changed is refused") {
  Stack stack("[plugins.a]\nuse = \"sample-touch\"\nfolder = \".\"\n");
  std::ofstream(stack.dir / "plugins.lock")
      << "[plugins.sample-touch]\nlibrary_sha256 = \"00\"\nmanifest_sha256 = \"00\"\n";
  std::vector<config::Problem> problems;
  plugin::Host host(stack.config, stack.catalog, stack.store, problems);
  const plugin::CallContext c = stack.context();
  try {
    host.run("a", stack.request("make", {{"file", "x"}, {"fail_undo", false}}), c);
    FAIL("it was loaded");
  } catch (const Error& e) {
    CHECK(e.code() == Errc::denied);
    CHECK(std::string(e.what()).find(
              "is not the file that was trusted as plugin \"sample-touch\"") != std::string::npos);
  }
}
