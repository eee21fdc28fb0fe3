// SPDX-License-Identifier: Apache-2.0
// Any Compose file runs with a configuration of a few lines: three that know nothing of fusebox.
#include "e2e/docker/docker_stacks.hpp"
#include "support/engine/docker.hpp"
#include "support/servers.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include <set>

using fusebox::test::ComposeStack;
using fusebox::test::Ended;

namespace {

// All that fusebox has to be told.
const std::string config = R"(
[plugins.runtime-docker]
unset_variables = "warn"
)";

std::map<std::string, std::string> lock() {
  static const auto values = fusebox::test::read_lock(FUSEBOX_TEST_LOCK);
  return values;
}

const std::string busybox = "docker.io/library/busybox:1.35.0";

// The way of upstream's own file: defaults for all values, secrets among them, no check for the
// applications, checks with a shell for the stores, published ports.
std::string with_defaults() {
  return fmt::format(R"(services:
  app:
    image: {busybox}
    restart: always
    depends_on: &stores
      cache: {{ condition: service_healthy }}
      database: {{ condition: service_healthy }}
    ports: ["127.0.0.1:{port}:8080"]
    environment: &environment
      DATABASE_URL: postgresql://postgres:${{DATABASE_PASSWORD:-{published}}}@database:5432/postgres
      CACHE_AUTH: ${{CACHE_AUTH:-mysecret}} # CHANGEME
      OPTIONAL: ${{NOT_SET_ANYWHERE}}
    command: ["sh", "-c", "echo ready >index.html && exec httpd -f -p 8080"]
    stop_grace_period: 1s
    working_dir: /tmp
  worker:
    image: {busybox}
    restart: always
    depends_on: *stores
    environment:
      <<: *environment
      ROLE: worker
    command: ["sh", "-c", "trap exit TERM; while :; do sleep 1; done"]
    stop_grace_period: 2s
  cache:
    image: {redis}
    command: >
      --requirepass ${{CACHE_AUTH:-mysecret}}
    healthcheck:
      test: ["CMD", "redis-cli", "ping"]
      interval: 1s
      timeout: 10s
      retries: 10
  database:
    image: {postgres}
    environment: [POSTGRES_PASSWORD={published}, TZ=UTC]
    volumes: ["data:/var/lib/postgresql/data"]
    healthcheck:
      test: ["CMD-SHELL", "pg_isready -U postgres"]
      interval: 1s
      retries: 10
volumes:
  data:
    driver: local
)",
                     fmt::arg("busybox", busybox), fmt::arg("redis", lock().at("REDIS_IMAGE")),
                     fmt::arg("postgres", lock().at("POSTGRES_IMAGE")),
                     fmt::arg("published", "postgres"),
                     fmt::arg("port", fusebox::test::free_port()));
}

// Several files' worth of Compose: a job that ends before the rest starts, replicas, a profile that
// is off, an extended service, configs and secrets from files.
std::string with_jobs() {
  return fmt::format(R"(services:
  prepare:
    image: {0}
    command: ["sh", "-c", "test -s /run/secrets/token && cp /settings /shared/settings"]
    configs: [{{ source: settings, target: /settings }}]
    secrets: [token]
    volumes: ["shared:/shared"]
  base:
    image: {0}
    profiles: [never]
    init: true
    command: ["sleep", "3600"]
    stop_signal: SIGKILL
  node:
    extends: {{ service: base }}
    profiles: !reset []
    depends_on:
      prepare: {{ condition: service_completed_successfully }}
    deploy: {{ replicas: 2 }}
    volumes: ["shared:/shared:ro"]
    healthcheck:
      test: ["CMD", "test", "-s", "/shared/settings"]
      interval: 1s
configs:
  settings: {{ file: ./settings.txt }}
secrets:
  token: {{ file: ./token.txt }}
volumes: {{ shared: {{}} }}
)",
                     busybox);
}

// An old one: a version that Compose ignores with a warning, names and networks of its own.
std::string of_old(const std::string& name) {
  return fmt::format(R"(version: "3.3"
services:
  web:
    image: {0}
    container_name: {1}-the-web
    env_file: .env.web
    command: sh -c 'echo "$$GREETING" >/tmp/index.html && exec httpd -f -p 80 -h /tmp'
    networks: [front, back]
    stop_signal: SIGKILL
  store:
    image: {2}
    networks:
      back: {{ aliases: [cache] }}
    tmpfs: /data
networks:
  front:
  back: {{ internal: true, name: {1}-backend }}
)",
                     busybox, name, lock().at("REDIS_IMAGE"));
}

void expect(const Ended& ended, int exit_code) {
  INFO(ended.all());
  CHECK(ended.exit_code == exit_code);
}

std::map<std::string, std::string> states(const ComposeStack& stack) {
  std::map<std::string, std::string> found;
  const auto answer = stack.json({"ps"});
  for (const auto& service : answer.at("services").as_array())
    found[std::string(service.at("name").as_string())] = service.at("state").as_string();
  return found;
}

// What every stack must be able to do.
void live(const ComposeStack& stack, const std::set<std::string>& running) {
  const auto up = stack({"up"});
  INFO(up.all());
  REQUIRE(up.exit_code == 0);
  const auto before = stack.containers();
  expect(stack({"up"}), 0);
  CHECK(stack.containers() == before);
  const auto found = states(stack);
  for (const auto& service : running) {
    INFO(service);
    REQUIRE(found.count(service) == 1);
    CHECK(found.at(service) == "running");
  }
  expect(stack({"logs", "-n", "3"}), 0);
  expect(stack({"stats"}), 0);
  expect(stack({"stop"}), 0);
  expect(stack({"start"}), 0);
  CHECK(stack.containers() == before);
  expect(stack({"down"}), 0);
  CHECK(stack.containers().empty());
}

void skip_without_images() {
  fusebox::test::skip_without_images(
      {busybox, lock().at("REDIS_IMAGE"), lock().at("POSTGRES_IMAGE")});
}

}  // namespace

TEST_CASE("a Compose file with defaults, ports and unchecked services runs as it is") {
  skip_without_images();
  const ComposeStack stack(config, {{"docker-compose.yml", with_defaults()}});
  live(stack, {"app", "worker", "cache", "database"});
  CHECK(stack.volumes().size() == 1);
}

TEST_CASE("a Compose file with a job, replicas, a profile, configs and secrets runs as it is") {
  skip_without_images();
  const ComposeStack stack(
      config,
      {{"compose.yaml", with_jobs()}, {"settings.txt", "a = 1\n"}, {"token.txt", "secret\n"}});
  live(stack, {"node"});
}

TEST_CASE("an old Compose file with names and networks of its own runs as it is") {
  skip_without_images();
  const auto name = fusebox::test::fresh_name("old");
  const ComposeStack stack(
      config, {{"docker-compose.yaml", of_old(name)}, {".env.web", "GREETING=hello there\n"}});
  live(stack, {"web", "store"});
}
