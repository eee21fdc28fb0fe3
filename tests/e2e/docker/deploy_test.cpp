// SPDX-License-Identifier: Apache-2.0
// Langfuse on a real engine through real Compose, from nothing to healthy. The servers are Debian's
// and web and worker are stand-ins, under the names that versions.lock pins: see
// tests/support/engine.
#include "e2e/docker/docker_stacks.hpp"
#include "support/engine/docker.hpp"
#include "support/search.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <set>
#include <sstream>

using fusebox::test::contains;
using fusebox::test::docker;
using fusebox::test::Ended;
using fusebox::test::LangfuseStack;

namespace {

void expect(const Ended& ended, int exit_code) {
  INFO(ended.all());
  CHECK(ended.exit_code == exit_code);
}

const std::vector<std::string> services = {"clickhouse", "langfuse-web", "langfuse-worker",
                                           "minio",      "postgres",     "redis"};

}  // namespace

TEST_CASE("deploy goes from nothing to six healthy services, and a second one changes nothing") {
  LangfuseStack::skip_without_images();
  const LangfuseStack stack;
  const auto deployed = stack({"deploy"});
  INFO(deployed.all());
  REQUIRE(deployed.exit_code == 0);

  for (const auto& service : services) {
    INFO(service);
    CHECK(stack.inspect(service, "{{.State.Health.Status}}") == "healthy");
  }
  CHECK(contains(stack.ask("langfuse-web", 3000, "/api/public/health"), R"("version":"4.16.0")"));
  CHECK(stack.volumes().size() == 5);

  const auto before = stack.containers();
  const auto again = stack({"deploy"});
  expect(again, 0);
  CHECK(stack.containers() == before);

  SUBCASE("every command that asks has an answer") {
    const auto listed = stack.json({"ps"}).at("services").as_array();
    CHECK(listed.size() == services.size());
    for (const auto& service : listed) CHECK(service.at("state") == "running");
    expect(stack({"health"}), 0);
    expect(stack({"exec", "redis", "--", "sh", "-c", "exit 3"}), 3);
    const auto logs = stack({"logs", "langfuse-web", "--json", "-n", "5"});
    expect(logs, 0);
    CHECK_FALSE(logs.lines().empty());
    expect(stack({"stats"}), 0);
    expect(stack({"urls"}), 0);
    expect(stack({"versions"}), 0);
    const auto volumes = stack.json({"volumes"}).at("volumes").as_array();
    CHECK(volumes.size() == 5);
    for (const auto* shell : {"db-shell", "clickhouse-shell", "redis-cli"}) {
      INFO(shell);
      CHECK(stack({"config", "show"}).all().find(shell) != std::string::npos);
    }
    const auto ping = stack({"redis-cli", "ping"});
    expect(ping, 0);
    CHECK(contains(ping.out, "PONG"));

    // What only looks needs no secret.
    std::filesystem::rename(stack.box() / "configs/.env", stack.box() / "away");
    for (const auto* command : {"ps", "logs", "urls", "stats", "volumes", "versions"}) {
      INFO(command);
      expect(stack({command}), 0);
    }
    std::filesystem::rename(stack.box() / "away", stack.box() / "configs/.env");
  }
  SUBCASE("D05 D06 D09 a service that is down is told, by name, and every other check still runs") {
    docker({"stop", stack.container("redis")});
    const auto red = stack({"health", "--json"});
    expect(red, 3);
    const auto verdicts = fusebox::test::statuses(red);
    CHECK(verdicts.size() >= 5);
    CHECK(verdicts.at("probe-redis.check") == "unhealthy");
    CHECK(verdicts.at("probe-postgres.check") != "unhealthy");
    expect(stack({"start"}), 0);
    expect(stack({"health"}), 0);
  }
  SUBCASE(
      "D21 down, up, stop, start and restart keep the data, and need no hand-made environment") {
    docker({"exec", stack.container("postgres"), "psql", "-U", "postgres", "-c",
            "CREATE TABLE kept AS SELECT 42 AS answer"});
    expect(stack({"stop"}), 0);
    CHECK(stack.inspect("postgres", "{{.State.Status}}") == "exited");
    expect(stack({"start"}), 0);
    expect(stack({"restart"}), 0);
    expect(stack({"down"}), 0);
    CHECK(stack.containers().empty());
    CHECK(stack.volumes().size() == 5);
    expect(stack({"up"}), 0);
    CHECK(docker({"exec", stack.container("postgres"), "psql", "-U", "postgres", "-Atc",
                  "SELECT answer FROM kept"}) == "42");
    expect(stack({"down", "--volumes", "--yes", "--confirm", stack.name()}), 0);
    CHECK(stack.volumes().empty());
  }
}

TEST_CASE("D07 a stack without the backup overlay is healthy without a backup container") {
  LangfuseStack::skip_without_images();
  const LangfuseStack stack;
  const auto planned = stack({"plan", "deploy"});
  INFO(planned.all());
  CHECK(planned.exit_code == 0);
  CHECK_FALSE(contains(planned.out, "docker-volume-backup"));
}
