// SPDX-License-Identifier: Apache-2.0
// runtime-orbstack, with a stand-in for orb and an engine of the test's own behind it.
#include "e2e/docker/docker_stacks.hpp"
#include "support/engine/docker.hpp"
#include "support/search.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

using fusebox::test::ComposeStack;
using fusebox::test::Ended;
using fusebox::test::PrivateEngine;
using fusebox::test::run_program;
namespace fs = std::filesystem;
using fusebox::test::contains;

namespace {

const std::string image = "docker.io/library/busybox:1.35.0";

const std::string files = "services:\n  web: { image: \"" + image +
                          "\", command: [\"sleep\", \"3600\"], init: true, expose: [3000, 6379],"
                          " ports: [\"127.0.0.1::3000\"] }\n";

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Its calls find a context orbstack that leads to `host`, and a stand-in for orb.
class OrbStack : public ComposeStack {
 public:
  explicit OrbStack(const std::string& host, const std::string& start = "true")
      : ComposeStack("[plugins.runtime-orbstack]\n", {{"compose.yml", files}}) {
    const fs::path folder = box() / "docker";
    fs::create_directories(folder);
    fs::copy(fs::path(variable("DOCKER_CONFIG")) / "cli-plugins", folder / "cli-plugins",
             fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    environment_ = {
        {"DOCKER_CONFIG", folder.string()},
        {"DOCKER_HOST", ""},
        {"PATH", std::string(FUSEBOX_TEST_ROOT) + "/tests/support/orb:" + variable("PATH")},
        {"ORB_STAND_IN_LOG", log().string()},
        {"ORB_STAND_IN_START", start}};
    const auto made =
        run_program({"docker", "context", "create", "orbstack", "--docker", "host=" + host},
                    {{"DOCKER_CONFIG", folder.string()}});
    INFO(made.err);
    REQUIRE(made.exit_code == 0);
  }
  fs::path log() const { return box() / "orb.log"; }
};

}  // namespace

TEST_CASE("OrbStack's engine is found by its context, and services are shown by their names") {
  fusebox::test::skip_without_images({image});
  const OrbStack stack(variable("DOCKER_HOST"));
  const auto up = stack({"up"});
  INFO(up.all());
  REQUIRE(up.exit_code == 0);
  const auto urls = stack({"urls"});
  INFO(urls.all());
  CHECK(contains(urls.out, fmt::format("https://web.{}.orb.local", stack.name())));
  // Both runtimes offer `pull`: it is the stack's own that runs.
  const auto pull = stack({"pull"});
  INFO(pull.all());
  CHECK(contains(pull.out, "runtime-orbstack.pull"));
  CHECK(stack({"down"}).exit_code == 0);
  CHECK_FALSE(fs::exists(stack.log()));  // it ran already
}

TEST_CASE(
    "an OrbStack that does not run is started by what changes something, never by a question") {
  fusebox::test::skip_without_images({});
  const PrivateEngine engine;
  const OrbStack stack("unix://" + engine.socket().string(),
                       fmt::format("{} {} up {}", FUSEBOX_TEST_PYTHON, FUSEBOX_TEST_ENGINE_SCRIPT,
                                   engine.folder().string()));
  engine.down();
  CHECK(stack({"ps"}).exit_code != 0);
  CHECK_FALSE(fs::exists(stack.log()));
  const auto healthy = stack({"preflight"});
  INFO(healthy.all());
  CHECK(healthy.exit_code == 0);
  CHECK(fusebox::test::slurp(stack.log()) == "start\n");
}
