// SPDX-License-Identifier: Apache-2.0
// The main job on real servers: configs/demo.toml from nothing to healthy, and back to nothing.
#include "e2e/loaded_demo.hpp"
#include "support/search.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <sstream>

using fusebox::test::contains;
using fusebox::test::DemoStack;
using fusebox::test::Ended;
using fusebox::test::skip_unless_complete;

namespace {

void expect(const Ended& ended, int exit_code) {
  INFO(ended.all());
  CHECK(ended.exit_code == exit_code);
}

const std::vector<std::string> probes = {"probe-clickhouse.check", "probe-minio.check",
                                         "probe-postgres.check", "probe-redis.check"};

std::vector<std::string> made_secrets(const DemoStack& stack) {
  std::istringstream lines(fusebox::test::slurp(stack.box() / "demo/.env"));
  std::vector<std::string> values;
  for (std::string line; std::getline(lines, line);) {
    const auto equals = line.find('=');
    if (line.starts_with("#") || equals == std::string::npos) continue;
    values.push_back(line.substr(equals + 1));
  }
  return values;
}

}  // namespace

TEST_CASE("the demo goes from nothing to healthy and back to nothing") {
  skip_unless_complete();
  DemoStack stack;
  const auto deployed = stack({"deploy"});
  INFO(deployed.all());
  REQUIRE(deployed.exit_code == 0);
  CHECK(contains(deployed.out, "fusebox health"));

  const auto services = stack.json({"ps"}).at("services").as_array();
  CHECK(services.size() == 4);
  for (const auto& service : services) {
    INFO(boost::json::serialize(service));
    CHECK(service.at("state") == "running");
  }

  const auto health = stack({"health", "--json"});
  expect(health, 0);
  const auto judged = fusebox::test::statuses(health);
  for (const auto& probe : probes) {
    INFO(probe << "\n" << health.all());
    REQUIRE(judged.count(probe) == 1);
    CHECK(judged.at(probe) != "unhealthy");
  }

  for (const auto* service : {"postgres", "clickhouse", "redis", "minio"}) {
    const auto logs = stack({"logs", service, "--json", "-n", "5"});
    expect(logs, 0);
    CHECK_FALSE(logs.lines().empty());
  }
  const auto urls = stack({"urls"});
  expect(urls, 0);
  CHECK(contains(urls.out, "http://127.0.0.1:"));
  expect(stack({"exec", "postgres", "--", "sh", "-c", "exit 3"}), 3);
  expect(stack({"deploy"}), 0);

  SUBCASE("D06: every check runs and is reported, though one service is down") {
    expect(stack({"stop", "redis"}), 0);
    const auto red = stack({"health", "--json"});
    expect(red, 3);
    const auto verdicts = fusebox::test::statuses(red);
    CHECK(verdicts.size() == probes.size() + 1);  // and the backups' age
    for (const auto& probe : probes) CHECK(verdicts.count(probe) == 1);
    CHECK(verdicts.at("probe-postgres.check") != "unhealthy");
    expect(stack({"start"}), 0);
    expect(stack({"health"}), 0);
  }
  SUBCASE("no secret that was made is in a file, an argument, a log or a journal") {
    const auto values = made_secrets(stack);
    CHECK(values.size() >= 4);
    const auto logs = stack({"logs", "--tail", "all"}).all();
    const auto arguments =
        stack.box().program({"sh", "-c", "cat /proc/*/cmdline 2>/dev/null | tr '\\0' ' '"}).out;
    for (const auto& value : values) {
      CHECK(fusebox::test::files_with(stack.box().path(), value) ==
            std::set<std::string>{"demo/.env"});
      CHECK_FALSE(contains(logs, value));
      CHECK_FALSE(contains(arguments, value));
    }
  }

  std::vector<std::string> pids;
  for (const auto* service : {"postgres", "clickhouse", "redis", "minio"})
    pids.push_back(stack.pid_of(service));
  expect(stack({"down", "--volumes", "--yes", "--confirm", stack.name()}), 0);
  const auto after = stack.json({"ps"});
  for (const auto& service : after.at("services").as_array())
    CHECK(service.at("state") == "missing");
  CHECK(stack.json({"volumes"}).at("volumes").as_array().empty());
  for (const auto& pid : pids) CHECK_FALSE(std::filesystem::exists("/proc/" + pid));
}
