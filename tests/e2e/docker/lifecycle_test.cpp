// SPDX-License-Identifier: Apache-2.0
// What runtime-docker does to a Compose project, and takes back.
#include "e2e/docker/docker_stacks.hpp"
#include "support/engine/docker.hpp"
#include "support/search.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>

using fusebox::test::ComposeStack;
using fusebox::test::docker;
using fusebox::test::Ended;
namespace fs = std::filesystem;
using fusebox::test::contains;

namespace {

const std::string first = "docker.io/library/busybox:1.35.0";

std::map<std::string, std::string> lock() {
  static const auto values = fusebox::test::read_lock(FUSEBOX_TEST_LOCK);
  return values;
}
std::string second() { return lock().at("REDIS_IMAGE"); }

void skip() { fusebox::test::skip_without_images({first, second()}); }

void expect(const Ended& ended, int exit_code) {
  INFO(ended.all());
  CHECK(ended.exit_code == exit_code);
}

// A deploy whose last step can be made to fail: there is a server on no port 1.
const std::string config = R"(versions = "versions.lock"

[plugins.secrets-file]
file = ".secrets"
generate = true

[plugins.runtime-docker]
same_version = [["web", "twin"]]

[plugins.runtime-docker.environment]
TOKEN = { secret = "TOKEN_SECRET" }

[plugins.fail]
use = "probe-http"
url = "http://127.0.0.1:1/"

[phases.good]
steps = ["secrets-file.resolve", "runtime-docker.preflight", "runtime-docker.pull", "runtime-docker.up"]

[phases.bad]
steps = ["runtime-docker.up", "fail.check"]
)";

std::string files(const std::string& check = "true", const std::string& greeting = "one",
                  const std::string& more = "") {
  return fmt::format(R"(services:
  store:
    image: {}
    command: ["sh", "-c", "sleep 3600"]
    init: true
    volumes: ["data:/data"]
    healthcheck: {{ test: ["CMD-SHELL", "{}"], interval: 1s, retries: 2 }}
  web:
    image: ${{WEB_IMAGE:?}}
    command: ["sh", "-c", "echo {}; exec sleep 3600"]
    init: true
    environment: {{ TOKEN: "${{TOKEN:?}}" }}
    depends_on: {{ store: {{ condition: service_healthy }} }}
  twin:
    image: ${{TWIN_IMAGE:?}}
    command: ["sleep", "3600"]
    init: true
    profiles: [twin]
{}volumes: {{ data: {{}} }}
)",
                     first, check, greeting, more);
}

std::string versions(const std::string& web, const std::string& twin = "") {
  return fmt::format("# pinned\nWEB_IMAGE={}\nTWIN_IMAGE={}\n", web, twin.empty() ? web : twin);
}

ComposeStack stack_of(const std::string& compose = files()) {
  return {config, {{"compose.yml", compose}, {"versions.lock", versions(first)}}};
}

std::string image_id(const std::string& name) {
  return docker({"image", "inspect", "--format", "{{.Id}}", name});
}

void good(const ComposeStack& stack) {
  const auto ended = stack({"run", "good"});
  INFO(ended.all());
  REQUIRE(ended.exit_code == 0);
}

}  // namespace

TEST_CASE("a second deploy changes nothing") {
  skip();
  const ComposeStack stack = stack_of();
  good(stack);
  const auto before = stack.containers();
  CHECK(before.size() == 2);
  const auto again = stack({"run", "good"});
  expect(again, 0);
  CHECK(contains(again.out, "no change"));
  CHECK(stack.containers() == before);
}

TEST_CASE(
    "D15 D16 a deploy that fails brings back the old image, files and command, and its data") {
  skip();
  const ComposeStack stack = stack_of();
  good(stack);
  docker({"exec", stack.container("store"), "sh", "-c", "echo kept >/data/file"});
  stack.box().write("versions.lock", versions(second()));
  stack.box().write("compose.yml", files("true", "two"));
  const auto failed = stack.with({{"WEB_IMAGE", second()}}, {"run", "bad"});
  expect(failed, 1);
  CHECK(stack.inspect("web", "{{.Image}}") == image_id(first));
  CHECK(stack.image("web") == first);
  CHECK(contains(stack.inspect("web", "{{.Config.Cmd}}"), "echo one"));
  CHECK(stack.inspect("web", "{{.State.Running}}") == "true");
  CHECK(docker({"exec", stack.container("store"), "cat", "/data/file"}) == "kept");
  expect(stack({"versions"}), 5);  // the file locks what does not run: a finding
}

TEST_CASE("D16 an exported version does not win over the versions file") {
  skip();
  const ComposeStack stack = stack_of();
  const auto ended = stack.with({{"WEB_IMAGE", second()}}, {"run", "good"});
  expect(ended, 0);
  CHECK(stack.image("web") == first);
  expect(stack({"versions"}), 0);
}

TEST_CASE("a first deploy that fails leaves nothing: no container, no network, no volume") {
  skip();
  const ComposeStack stack = stack_of();
  expect(stack({"run", "bad"}), 1);
  CHECK(stack.containers().empty());
  CHECK(stack.volumes().empty());
  CHECK_FALSE(contains(docker({"network", "ls"}), stack.name()));
}

TEST_CASE("D01 a service that is unhealthy, or ends, fails the deploy and is named") {
  skip();
  const ComposeStack ill = stack_of(files("false"));
  const auto unhealthy = ill({"run", "good"});
  expect(unhealthy, 1);
  CHECK(contains(unhealthy.out + unhealthy.err, "unhealthy"));
  CHECK(ill.containers().empty());
  const ComposeStack ends = stack_of(files("true", "one; exit 3"));
  const auto ended = ends({"run", "good"});
  expect(ended, 1);
  CHECK(contains(ended.out + ended.err, "web exited with code 3"));
}

TEST_CASE("D05 health tells unhealthy, exited and missing services apart, without a secret") {
  skip();
  const ComposeStack stack = stack_of(files("test ! -e /ill"));
  expect(stack({"health", "--only", "runtime-docker"}), 3);  // nothing is there
  good(stack);
  fs::remove(stack.box() / ".secrets");
  expect(stack({"health", "--only", "runtime-docker"}), 0);
  docker({"exec", stack.container("store"), "touch", "/ill"});
  docker({"stop", "--time", "0", stack.container("web")});
  Ended health;
  for (int tries = 0; tries < 50; ++tries) {
    health = stack({"health", "--only", "runtime-docker"});
    if (contains(health.out, "store is unhealthy")) break;
  }
  expect(health, 3);
  CHECK(contains(health.out, "store is unhealthy"));
  CHECK(contains(health.out, "web exited with code"));
}

TEST_CASE("D21 every `up` gives containers their secrets; without a provider it is refused") {
  skip();
  const ComposeStack stack = stack_of();
  expect(stack({"up"}), 0);
  const auto value = stack.inspect("web", "{{range .Config.Env}}{{println .}}{{end}}");
  CHECK(contains(value, "TOKEN="));
  CHECK_FALSE(contains(value, "TOKEN=\n"));
  CHECK_FALSE(contains(value, "TOKEN=fusebox"));
  const auto before = stack.containers();
  expect(stack({"up"}), 0);
  CHECK(stack.containers() == before);
  fs::remove(stack.box() / ".secrets");
  const auto refused = stack({"--set=plugins.secrets-file.generate=false", "up"});
  CHECK(refused.exit_code != 0);
  CHECK(stack.containers() == before);
}

TEST_CASE("D36 a variable without a value is refused before anything is made") {
  skip();
  const ComposeStack stack = stack_of(
      files("true", "one", "  extra: { image: \"busybox\", environment: { A: \"$BLANK\" } }\n"));
  const auto refused = stack({"up"});
  expect(refused, 1);
  CHECK(contains(refused.out, "BLANK"));
  CHECK(stack.containers().empty());
  expect(stack({"preflight"}), 3);
}

TEST_CASE("D17 unequal versions are refused before anything is made") {
  skip();
  const ComposeStack stack = stack_of();
  stack.box().write("versions.lock", versions(first, second()));
  const auto refused = stack({"--set=plugins.runtime-docker.profiles=[\"twin\"]", "up"});
  expect(refused, 1);
  CHECK(contains(refused.out, "web has 1.35.0, twin has 7.2.16-alpine"));
  CHECK(stack.containers().empty());
}

TEST_CASE("D38 an external network that is missing is made, and undo takes it away again") {
  skip();
  const auto network = fusebox::test::fresh_name("shared");
  const std::string more = "  linked: { image: \"" + first +
                           "\", command: [\"sleep\", \"3600\"], init: true, networks: [shared] }\n";
  const auto with_network = files("true", "one", more) +
                            "networks: { shared: { external: true, name: " + network + " } }\n";
  const ComposeStack stack = stack_of(with_network);
  expect(stack({"run", "bad"}), 1);
  CHECK_FALSE(contains(docker({"network", "ls"}), network));
  good(stack);
  CHECK(contains(docker({"network", "ls"}), network));
  expect(stack({"down"}), 0);
  docker({"network", "rm", network});
}

TEST_CASE("D03 the project is named in every call, whatever the environment says") {
  skip();
  const ComposeStack stack = stack_of();
  const auto ended =
      stack.with({{"COMPOSE_PROJECT_NAME", "other"}, {"COMPOSE_FILE", "/nowhere.yml"}}, {"up"});
  expect(ended, 0);
  CHECK(stack.containers().size() == 2);
}

TEST_CASE("the first pull locks digests, and then nothing else runs under that name") {
  skip();
  const auto name = "docker.langfuse.com/" + fusebox::test::fresh_name("locked") + "/web";
  docker({"tag", first, name + ":1"});
  docker({"push", "--quiet", name + ":1"});
  docker({"rmi", name + ":1"});
  const ComposeStack stack = stack_of();
  stack.box().write("versions.lock", versions(name + ":1"));
  good(stack);
  const auto locked = fusebox::test::read_lock(stack.box() / "versions.lock").at("WEB_IMAGE");
  CHECK(locked.starts_with(name + ":1@sha256:"));
  CHECK(locked.size() == name.size() + 2 + 8 + 64);
  CHECK(contains(fusebox::test::slurp(stack.box() / "versions.lock"), "# pinned\n"));
  // Somebody moves the tag: what is locked still runs, and still is what can be had.
  docker({"tag", second(), name + ":1"});
  docker({"push", "--quiet", name + ":1"});
  good(stack);
  CHECK(stack.image("web") == locked);
  CHECK(stack.inspect("web", "{{.Image}}") == image_id(first));
  CHECK(fusebox::test::read_lock(stack.box() / "versions.lock").at("WEB_IMAGE") == locked);
}

TEST_CASE(
    "an image that is nowhere fails the pull with the reason, and the lock file is as it was") {
  skip();
  const ComposeStack stack = stack_of();
  stack.box().write("versions.lock", versions("docker.langfuse.com/nobody/nothing:1"));
  const auto failed = stack({"run", "good"});
  expect(failed, 1);
  CHECK(contains(failed.out, "nobody/nothing"));
  CHECK(fusebox::test::slurp(stack.box() / "versions.lock") ==
        versions("docker.langfuse.com/nobody/nothing:1"));
}

TEST_CASE("clean removes what this project left, and nothing of another") {
  skip();
  const ComposeStack stack = stack_of();
  const ComposeStack other = stack_of();
  good(stack);
  good(other);
  docker({"stop", "--time", "0", other.container("web")});
  stack.box().write(
      "compose.yml",
      files("true", "one", "  gone: { image: \"" + first + "\", command: [\"true\"] }\n"));
  docker({"compose", "--project-name", stack.name(), "--file",
          stack.box()
              .write("extra.yml",
                     "services: { gone: { image: \"" + first + "\", command: [\"true\"] } }\n")
              .string(),
          "up", "--detach"});
  fs::remove(stack.box() / "extra.yml");
  stack.box().write("compose.yml", files());
  CHECK(stack.containers().size() == 3);
  const auto cleaned = stack({"clean"});
  expect(cleaned, 0);
  CHECK(contains(cleaned.out, "gone"));
  CHECK(stack.containers().size() == 2);
  CHECK(other.containers().size() == 2);
}

TEST_CASE("a killed `up` is undone by recover") {
  skip();
  const ComposeStack stack = stack_of(files("sleep 1; true"));
  const auto killed =
      stack.box().program({"sh", "-c",
                           fmt::format("'{}' up & child=$!; sleep 1.5; kill -9 $child; wait $child",
                                       fusebox::test::fusebox_program().string())});
  INFO(killed.all());
  const auto refused = stack({"up"});
  expect(refused, 4);
  expect(stack({"recover", "--undo"}), 0);
  CHECK(stack.containers().empty());
  CHECK(stack.volumes().empty());
  good(stack);
}

TEST_CASE("D13 no secret is left in any file but the provider's own") {
  skip();
  const ComposeStack stack = stack_of();
  good(stack);
  expect(stack({"run", "bad"}), 1);
  const auto text = fusebox::test::slurp(stack.box() / ".secrets");
  const auto at = text.find("TOKEN_SECRET='");
  REQUIRE(at != std::string::npos);
  const auto value = text.substr(at + 14, text.find('\'', at + 14) - at - 14);
  REQUIRE(value.size() > 12);
  for (const auto& entry : fs::recursive_directory_iterator(stack.box().path())) {
    if (!entry.is_regular_file() || entry.path().filename() == ".secrets") continue;
    INFO(entry.path().string());
    CHECK_FALSE(contains(fusebox::test::slurp(entry.path()), value));
  }
}
