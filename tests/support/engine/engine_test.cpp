// SPDX-License-Identifier: Apache-2.0
// The fixture itself: what other tests count on.
#include "support/engine/docker.hpp"
#include "support/servers.hpp"
#include "support/temp_dir.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <thread>

namespace fs = std::filesystem;
using fusebox::test::docker;
using fusebox::test::PrivateEngine;
using fusebox::test::run_program;

namespace {

std::map<std::string, std::string> lock() {
  static const auto values = fusebox::test::read_lock(FUSEBOX_TEST_LOCK);
  return values;
}

struct Container {
  explicit Container(const std::vector<std::string>& args) {
    std::vector<std::string> command = {"run", "--detach"};
    command.insert(command.end(), args.begin(), args.end());
    id = docker(command);
  }
  ~Container() { run_program({"docker", "rm", "--force", "--volumes", id}); }
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;
  std::string id;
};

}  // namespace

TEST_CASE("a published port is reached from tests, and the engine is nobody else's") {
  fusebox::test::skip_without_images({lock().at("REDIS_IMAGE")});
  const auto port = fusebox::test::free_port();
  const Container redis(
      {"--publish", fmt::format("127.0.0.1:{}:6379", port), lock().at("REDIS_IMAGE")});
  std::string answer;
  for (int tries = 0; tries < 50 && answer != "PONG\n"; ++tries) {
    if (tries > 0) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    answer = run_program({"redis-cli", "-p", std::to_string(port), "ping"}).out;
  }
  CHECK(answer == "PONG\n");
  CHECK(docker({"info", "--format", "{{.DockerRootDir}}"}).find("/tests/engine/") !=
        std::string::npos);
}

TEST_CASE(
    "the registry gives back what was pushed, under a name of the internet and by its digest") {
  const auto image = lock().at("LANGFUSE_WEB_IMAGE");
  fusebox::test::skip_without_images({image});
  const std::string name = "docker.langfuse.com/engine-test/web:1";
  docker({"tag", image, name});
  docker({"push", "--quiet", name});
  docker({"rmi", name});
  const auto pulled = docker({"pull", name});
  const auto at = pulled.find("sha256:");
  REQUIRE(at != std::string::npos);
  const auto pinned = name + "@" + pulled.substr(at, 71);
  docker({"rmi", name});
  docker({"pull", pinned});
  docker({"rmi", pinned});
}

TEST_CASE("the stand-in for Langfuse ends with Langfuse's reason when a variable is missing") {
  const auto image = lock().at("LANGFUSE_WEB_IMAGE");
  fusebox::test::skip_without_images({image});
  const auto ended = run_program({"docker", "run", "--rm", image});
  CHECK(ended.exit_code == 1);
  CHECK(ended.err == "❌ Invalid environment variables: DATABASE_URL is required\n");
}

TEST_CASE("an engine of a test's own is separate, can be ended and started, and leaves nothing") {
  fs::path socket;
  {
    const PrivateEngine engine("32m");
    socket = engine.socket();
    CHECK(engine.docker({"images", "--quiet"}).empty());
    engine.down();
    CHECK(fusebox::test::run_program(engine.enter({"docker", "version"})).exit_code != 0);
    engine.up();
    CHECK(engine.docker({"ps", "--quiet"}).empty());
  }
  CHECK_FALSE(fs::exists(socket.parent_path()));
}

TEST_CASE("an engine ends with the process that started it, however that ended") {
  const fusebox::test::TempDir folder;
  const auto killed =
      run_program({"sh", "-c",
                   fmt::format("{} {} start {} && kill -9 $$", FUSEBOX_TEST_PYTHON,
                               FUSEBOX_TEST_ENGINE_SCRIPT, folder.path().string())});
  CHECK(killed.exit_code == 128 + 9);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (fs::exists(folder / "data") && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  CHECK_FALSE(fs::exists(folder / "data"));
  CHECK_FALSE(fs::exists(folder / "engine.json"));
}

TEST_CASE("without root the engine is skipped with the reason, or failed where it is required") {
  const fusebox::test::TempDir folder;
  const auto command = [&](const std::string& required) {  // nobody may not read the sources
    return run_program(
        {"sh", "-c",
         fmt::format("setpriv --reuid=65534 --regid=65534 --clear-groups env "
                     "PATH=/usr/bin:/bin FUSEBOX_TEST_REQUIRE={} python3 - start {} <{}",
                     required, (folder / "engine").string(), FUSEBOX_TEST_ENGINE_SCRIPT)});
  };
  fs::permissions(folder.path(), fs::perms::all);
  const auto skipped = command("");
  INFO(skipped.err);
  CHECK(skipped.exit_code == 77);
  CHECK(skipped.err.find("needs root") != std::string::npos);
  CHECK(command("docker").exit_code == 1);
}
