// SPDX-License-Identifier: Apache-2.0
// An engine that is not there, may not be used, is restarted or has no room, and a Compose that is
// missing or too old: a clear error, and the next call works.
#include "e2e/docker/docker_stacks.hpp"
#include "support/engine/docker.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>
#include <chrono>
#include <fstream>
#include <thread>

namespace fs = std::filesystem;
using fusebox::test::ComposeStack;
using fusebox::test::Ended;
using fusebox::test::PrivateEngine;
using fusebox::test::run_program;

namespace {

const std::string busybox = "docker.io/library/busybox:1.35.0";
const std::string config = "\n[plugins.runtime-docker]\nmin_disk = 0\n";

// One service, healthy after so many seconds.
std::string service(const std::string& image, int seconds) {
  return fmt::format(R"(services:
  app:
    image: {}
    command: ["sh", "-c", "sleep {}; touch /tmp/ready; exec sleep 3600"]
    stop_signal: SIGKILL
    restart: always
    healthcheck:
      test: ["CMD", "test", "-e", "/tmp/ready"]
      interval: 1s
      retries: 60
)",
                     image, seconds);
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// Such a call fails within seconds, says `what`, and says what to do.
void fails_with(const Ended& ended, const std::vector<std::string>& what, int exit_code = 1) {
  INFO(ended.all());
  CHECK(ended.exit_code == exit_code);
  for (const auto& part : what) CHECK(contains(ended.all(), part));
  CHECK((contains(ended.out, "-> ") || contains(ended.err, "hint: ")));
}

// Gives an engine an image of the engine that tests share.
void copy_image(const PrivateEngine& to, const std::string& image) {
  const auto load = fmt::format("{}", fmt::join(to.enter({"docker", "load", "--quiet"}), " "));
  const auto ended = run_program({"sh", "-c", fmt::format("docker save {} | {}", image, load)});
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
}

}  // namespace

TEST_CASE("an engine that is not there is named, with its address, and what to do") {
  fusebox::test::skip_without_images({busybox});
  const ComposeStack stack(config, {{"compose.yaml", service(busybox, 0)}});
  const auto nowhere = "unix://" + (stack.box() / "no.sock").string();
  fails_with(stack.with({{"DOCKER_HOST", nowhere}}, {"up"}), {"no.sock"});
  fails_with(stack.with({{"DOCKER_HOST", nowhere}}, {"preflight"}), {"no.sock"}, 3);
  CHECK(stack.with({{"DOCKER_HOST", nowhere}}, {"ps"}).exit_code != 0);
  CHECK(stack({"up"}).exit_code == 0);
}

TEST_CASE("an engine's socket that may not be used is told apart from one that is not there") {
  fusebox::test::skip_without_images({busybox});
  const PrivateEngine engine;
  REQUIRE(::chown(engine.socket().c_str(), 65534, 65534) == 0);
  REQUIRE(::chmod(engine.socket().c_str(), 0600) == 0);
  const ComposeStack stack(config, {{"compose.yaml", service(busybox, 0)}});
  // root without the right to pass by permissions
  fusebox::test::CallOptions options;
  options.environment["DOCKER_HOST"] = "unix://" + engine.socket().string();
  const auto ended =
      stack.box().program({"setpriv", "--bounding-set=-dac_override,-dac_read_search",
                           "--inh-caps=-all", fusebox::test::fusebox_program().string(), "up"},
                          options);
  fails_with(ended, {"docker.sock", "may not open"});
}

TEST_CASE("a Compose that is missing or too old is told with the version that is needed") {
  fusebox::test::skip_without_images({busybox});
  const ComposeStack stack(config, {{"compose.yaml", service(busybox, 0)}});
  fs::create_directories(stack.box() / "bin");
  fs::create_directories(stack.box() / "no-docker");
  const auto bin = (stack.box() / "bin").string();
  const std::map<std::string, std::string> without = {
      {"PATH", bin}, {"DOCKER_CONFIG", (stack.box() / "no-docker").string()}};
  fails_with(stack.with(without, {"up"}), {"Compose", "2.20"});

  const auto fake = stack.box().write("bin/docker", "#!/bin/sh\necho 2.19.1\n");
  fs::permissions(fake, fs::perms::owner_all);
  fails_with(stack.with(without, {"up"}), {"2.19.1", "2.20"});
  CHECK(stack.containers().empty());
  CHECK(stack({"up"}).exit_code == 0);
}

TEST_CASE("an engine that is restarted in the middle of up leaves a stack that up finishes") {
  fusebox::test::skip_without_images({busybox});
  const PrivateEngine engine;
  copy_image(engine, busybox);
  const ComposeStack stack(config, {{"compose.yaml", service(busybox, 6)}});
  const std::map<std::string, std::string> there = {
      {"DOCKER_HOST", "unix://" + engine.socket().string()}};
  std::thread restart([&] {
    std::this_thread::sleep_for(std::chrono::seconds(3));
    engine.restart();
  });
  const auto cut = stack.with(there, {"up"});
  restart.join();
  INFO(cut.all());
  if (cut.exit_code == 6) {  // there was no engine to undo with
    CHECK(contains(cut.all(), "fusebox recover"));
    const auto recovered = stack.with(there, {"recover", "--undo"});
    INFO(recovered.all());
    CHECK(recovered.exit_code == 0);
  } else {
    CHECK((cut.exit_code == 0 || cut.exit_code == 1));
  }
  const auto again = stack.with(there, {"up"});
  INFO(again.all());
  CHECK(again.exit_code == 0);
  CHECK(contains(stack.with(there, {"ps"}).out, "healthy"));
}

TEST_CASE("an engine that goes away for good in the middle of up is told, in time") {
  fusebox::test::skip_without_images({busybox});
  const PrivateEngine engine;
  copy_image(engine, busybox);
  const ComposeStack stack(config, {{"compose.yaml", service(busybox, 60)}});
  const std::map<std::string, std::string> there = {
      {"DOCKER_HOST", "unix://" + engine.socket().string()}};
  std::thread down([&] {
    std::this_thread::sleep_for(std::chrono::seconds(3));
    engine.down();
  });
  const auto begun = std::chrono::steady_clock::now();
  const auto cut = stack.with(there, {"up"});
  down.join();
  INFO(cut.all());
  CHECK(cut.exit_code != 0);
  CHECK(contains(cut.all(), "docker.sock"));
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(90));
}

TEST_CASE(
    "a disk that is full while an image is pulled is told, and room makes the next pull work") {
  fusebox::test::skip_without_images({busybox});
  const PrivateEngine engine("180m");
  const auto make = [&](const std::string&
                            name) {  // 40 MB that do not shrink, in the registry alone
    const auto docker = fmt::format("{}", fmt::join(engine.enter({"docker"}), " "));
    const auto image = "docker.langfuse.com/disk/" + name + ":1";
    const auto ended = run_program(
        {"sh", "-c",
         fmt::format(
             "mkdir {0}/{1} && head -c 40000000 /dev/urandom >{0}/{1}/data && tar -C {0}/{1} -c . "
             "| "
             "{2} import - {3} && {2} push -q {3} && {2} rmi {3}; rc=$?; rm -r {0}/{1}; exit $rc",
             fs::temp_directory_path().string(), fusebox::test::fresh_name(name), docker, image)});
    INFO(ended.err);
    REQUIRE(ended.exit_code == 0);
    return image;
  };
  const auto fits = make("fits");
  const auto does_not = make("does-not");
  engine.docker({"pull", "--quiet", fits});
  const ComposeStack stack(config, {{"compose.yaml", service(does_not, 0)}});
  const std::map<std::string, std::string> there = {
      {"DOCKER_HOST", "unix://" + engine.socket().string()}};
  const auto full = stack.with(there, {"pull"});
  INFO(full.all());
  CHECK(full.exit_code == 1);
  CHECK(contains(full.all(), "no space left"));
  engine.docker({"rmi", fits});
  const auto room = stack.with(there, {"pull"});
  INFO(room.all());
  CHECK(room.exit_code == 0);
}
