// SPDX-License-Identifier: Apache-2.0
// An engine that goes away in the middle of a call, or has no room: a clear error, in time.
#include "e2e/docker/docker_stacks.hpp"
#include "support/engine/docker.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <thread>

namespace fs = std::filesystem;
using fusebox::test::ComposeStack;
using fusebox::test::contains;
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

// Gives an engine an image of the engine that tests share.
void copy_image(const PrivateEngine& to, const std::string& image) {
  const auto load = fmt::format("{}", fmt::join(to.enter({"docker", "load", "--quiet"}), " "));
  const auto ended = run_program({"sh", "-c", fmt::format("docker save {} | {}", image, load)});
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
}

}  // namespace

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
