// SPDX-License-Identifier: Apache-2.0
// What runtime-docker says and leaves when the engine, Compose or fusebox itself goes away.
#include "e2e/docker/docker_stacks.hpp"
#include "support/engine/docker.hpp"
#include "support/search.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>

using fusebox::test::ComposeStack;
using fusebox::test::Ended;
using fusebox::test::PrivateEngine;
using fusebox::test::run_program;
namespace fs = std::filesystem;
using fusebox::test::contains;

namespace {

const std::string image = "docker.io/library/busybox:1.35.0";

void skip() { fusebox::test::skip_without_images({image}); }

void expect(const Ended& ended, int exit_code) {
  INFO(ended.all());
  CHECK(ended.exit_code == exit_code);
}

// `first` is healthy after `seconds`, and `second` waits for it; neither minds SIGTERM.
std::string files(int seconds) {
  return fmt::format(R"(services:
  first:
    image: {0}
    command: ["sh", "-c", "trap '' TERM; sleep {1}; touch /ready; while :; do sleep 1; done"]
    stop_grace_period: 4s
    healthcheck: {{ test: ["CMD", "test", "-e", "/ready"], interval: 1s, start_period: 60s }}
    volumes: ["data:/data"]
  second:
    image: {0}
    command: ["sleep", "3600"]
    init: true
    depends_on: {{ first: {{ condition: service_healthy }} }}
volumes: {{ data: {{}} }}
)",
                     image, seconds);
}

ComposeStack stack_of(int seconds) {
  return {"[plugins.runtime-docker]\n", {{"compose.yml", files(seconds)}}};
}

// A stack whose every call goes to an engine of its own.
class OwnEngineStack : public ComposeStack {
 public:
  OwnEngineStack(const PrivateEngine& engine, int seconds)
      : ComposeStack("[plugins.runtime-docker]\n", {{"compose.yml", files(seconds)}}) {
    environment_ = {{"DOCKER_HOST", "unix://" + engine.socket().string()}};
  }
};

// Runs `script` in the stack's folder; $fusebox is the program.
Ended in_shell(const ComposeStack& stack, const std::string& script,
               std::map<std::string, std::string> environment = {}) {
  environment["fusebox"] = fusebox::test::fusebox_program().string();
  fusebox::test::CallOptions options;
  options.environment = std::move(environment);
  options.deadline = std::chrono::minutes(3);
  return stack.box().program({"sh", "-c", script}, options);
}

// The image, carried from the engine that tests share.
void load_image(const PrivateEngine& engine, const fs::path& file) {
  fusebox::test::docker({"save", "--output", file.string(), image});
  engine.docker({"load", "--input", file.string()});
}

}  // namespace

TEST_CASE("Ctrl-C during `up` ends Compose, takes back what was made, and exits with 130") {
  skip();
  const ComposeStack stack = stack_of(60);
  const auto ended =
      in_shell(stack, "\"$fusebox\" up & child=$!; sleep 2; kill -INT $child; wait $child");
  expect(ended, 130);
  CHECK(stack.containers().empty());
  CHECK(stack.volumes().empty());
}

TEST_CASE("a deadline says what it waited for, and what was made is taken back") {
  skip();
  const ComposeStack stack = {
      "[plugins.runtime-docker]\n[phases.quick]\nsteps = [{ step = "
      "\"runtime-docker.up\", timeout = \"15s\" }]\n",
      {{"compose.yml", files(60)}}};
  const auto late = stack({"run", "quick"});
  INFO(late.all());
  CHECK(late.exit_code == 1);
  CHECK(contains(late.out, "first-1"));
  CHECK(contains(late.out, "deadline"));
  CHECK(stack.containers().empty());
}

TEST_CASE("a fusebox that was killed in `stop` or `restart` is recovered: what ran, runs") {
  skip();
  const ComposeStack stack = stack_of(0);
  expect(stack({"up"}), 0);
  const auto before = stack.containers();
  for (const char* verb : {"stop", "restart"}) {
    INFO(verb);
    in_shell(stack,
             fmt::format("\"$fusebox\" {} & child=$!; sleep 1.5; kill -9 $child; wait $child; "
                         "sleep 4",
                         verb));
    expect(stack({"up"}), 4);
    expect(stack({"recover", "--undo"}), 0);
    CHECK(stack.containers() == before);
    CHECK(stack.inspect("first", "{{.State.Running}}") == "true");
    CHECK(stack.inspect("second", "{{.State.Running}}") == "true");
  }
}

TEST_CASE(
    "an engine that is restarted during `up` is a clear error, and the stack can be recovered") {
  skip();
  const PrivateEngine engine;
  const OwnEngineStack stack(engine, 8);
  load_image(engine, stack.box() / "image.tar");
  const auto cut = in_shell(
      stack,
      fmt::format("\"$fusebox\" up & child=$!; sleep 2; {} {} restart {} >&2; wait $child",
                  FUSEBOX_TEST_PYTHON, FUSEBOX_TEST_ENGINE_SCRIPT, engine.folder().string()),
      {{"DOCKER_HOST", "unix://" + engine.socket().string()}});
  INFO(cut.all());
  CHECK((cut.exit_code == 1 || cut.exit_code == 6));
  if (cut.exit_code == 6) expect(stack({"recover", "--undo"}), 0);
  CHECK(engine.docker({"ps", "--all", "--quiet"}).empty());
  expect(stack({"up"}), 0);
}

TEST_CASE("without an engine every verb says so at once, and changes nothing") {
  skip();
  const PrivateEngine engine;
  const OwnEngineStack stack(engine, 0);
  engine.down();
  for (const char* verb : {"preflight", "up", "stop", "health", "ps"}) {
    INFO(verb);
    const auto ended = stack({verb});
    INFO(ended.all());
    CHECK((ended.exit_code == 1 || ended.exit_code == 3));
    CHECK(contains(ended.out + ended.err, "does not run"));
  }
  engine.up();
}

TEST_CASE("a socket that may not be opened is told as that, with what to do") {
  skip();
  const ComposeStack stack = stack_of(0);
  const fs::path& box = stack.box().path();
  fs::permissions(box, fs::perms::others_exec | fs::perms::others_read, fs::perm_options::add);
  fs::permissions(box / "home", fs::perms::all);
  // The other user may not be able to enter the build folder.
  const fs::path built = fusebox::test::fusebox_program().parent_path().parent_path();
  const fs::path plugins = "lib/fusebox/plugins";
  fs::create_directories(box / "bin");
  fs::create_directories(box / plugins);
  fs::copy(built / "bin/fusebox", box / "bin");
  for (const char* name : {"runtime-docker.so", "runtime-docker.fusebox.toml"})
    fs::copy(built / plugins / name, box / plugins);
  const auto refused = in_shell(
      stack,
      "setpriv --reuid=65534 --regid=65534 --clear-groups env XDG_STATE_HOME=\"$PWD/home\" "
      "bin/fusebox preflight");
  INFO(refused.all());
  CHECK(refused.exit_code == 3);
  CHECK(contains(refused.out, "docker.sock"));
  CHECK(contains(refused.out, "group"));
}

TEST_CASE("a Compose that is missing or too old is told with the version that is needed") {
  skip();
  const ComposeStack stack = stack_of(0);
  fs::create_directories(stack.box() / "docker/cli-plugins");
  const std::map<std::string, std::string> environment{
      {"DOCKER_CONFIG", (stack.box() / "docker").string()}};
  const auto missing = stack.with(environment, {"preflight"});
  INFO(missing.all());
  // Where the machine has one for all users, only the old one below can be shown.
  WARN(missing.exit_code == 3);
  CHECK((missing.exit_code == 0 || contains(missing.out, "Compose is not installed")));
  const auto old = stack.box().write("docker/cli-plugins/docker-compose", R"(#!/bin/sh
case "$1" in
  docker-cli-plugin-metadata) echo '{"SchemaVersion":"0.1.0","Vendor":"x","Version":"v2.10.2"}' ;;
  *) echo 2.10.2 ;;
esac
)");
  fs::permissions(old, fs::perms::owner_all);
  const auto too_old = stack.with(environment, {"up"});
  expect(too_old, 1);
  CHECK(contains(too_old.out, "docker compose is 2.10.2, but Compose 2.20 or newer is needed"));
}
