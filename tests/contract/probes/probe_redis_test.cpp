// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "contract/probes/probe_support.hpp"

using namespace fusebox::test;

namespace {

struct Redis {
  Redis() { skip_program_if(RedisServer::missing()); }

  Outcome check(json::object with = {}, const CallLimits& limits = {}) {
    host.secrets["PASSWORD"] = password;
    json::object settings = config;
    settings["port"] = server.port();
    settings["disk_min_free"] = "1B";
    ConfiguredPlugin probe(host, PROBE_LIBRARY, settings);
    Outcome outcome = probe.run("check", std::move(with), limits);
    expect_silent_about(outcome, host);
    return outcome;
  }

  RedisServer server;
  FakeHost host;
  std::string password = server.password();
  json::object config{{"password", secret_handle("PASSWORD")}};
};

}  // namespace

TEST_CASE("probe-redis keeps the rules of all probes") {
  expect_probe_rules(PROBE_LIBRARY, {{"password", secret_handle("PASSWORD")}});
}

TEST_CASE_FIXTURE(Redis, "a healthy Redis is healthy, with version, latency and memory") {
  server.start();
  config["data_path"] = server.data().string();
  config["disk_warn_percent"] = 0.0;
  config["disk_fail_percent"] = 0.0;
  const Outcome outcome = check();
  expect(outcome, "healthy");
  CHECK(outcome.summary().find("Redis 7.") == 0);
  CHECK(outcome.metric("latency_ms") > 0);
  CHECK(outcome.metric("latency_ms") < 1000);
  CHECK(outcome.metric("memory_used") > 100'000);
  CHECK(outcome.metric("disk_free") > 0);
  CHECK_FALSE(outcome.result.contains("findings"));
  CHECK(outcome.result.at("changed") == json::value(false));
}

TEST_CASE_FIXTURE(Redis, "D09 a PING that is answered NOAUTH is not healthy") {
  server.start();
  config.erase("password");
  expect(check(), "unhealthy", "wants a password | PING answered: NOAUTH");
}

TEST_CASE_FIXTURE(Redis, "D09 a wrong password is unhealthy and is told from a missing one") {
  server.start();
  password = "not-the-password";
  expect(check(), "unhealthy", "refused the password | AUTH answered: WRONGPASS");
}

TEST_CASE_FIXTURE(Redis, "a server that is open to anyone is unhealthy when a password is set") {
  server.with_password = false;
  server.start();
  expect(check(), "unhealthy", "open to anyone");
}

TEST_CASE_FIXTURE(Redis, "a policy that evicts keys is unhealthy") {
  server.settings = {"maxmemory-policy allkeys-lru"};
  server.start();
  expect(check(), "unhealthy", "maxmemory-policy is allkeys-lru");
  SUBCASE("unless the config accepts any") {
    config["maxmemory_policy"] = "any";
    expect(check(), "healthy");
  }
}

TEST_CASE_FIXTURE(Redis, "the policy is found where CONFIG is disabled, too") {
  server.settings = {"maxmemory-policy volatile-lru", "rename-command CONFIG \"\""};
  server.start();
  expect(check(), "unhealthy", "maxmemory-policy is volatile-lru");
}

TEST_CASE_FIXTURE(Redis, "a server that keeps nothing on disk is degraded") {
  server.settings = {"appendonly no", "save \"\""};
  server.start();
  expect(check(), "degraded", "nothing is kept over a restart");
  SUBCASE("unless the config does not expect it") {
    config["persistence"] = false;
    expect(check(), "healthy");
  }
}

TEST_CASE_FIXTURE(Redis, "snapshots alone are persistence enough") {
  server.settings = {"appendonly no", "save 3600 1"};
  server.start();
  expect(check(), "healthy");
}

TEST_CASE_FIXTURE(Redis, "memory is told before it is used up, and when it is") {
  SUBCASE("degraded before") {
    server.settings = {"maxmemory 1mb"};
    server.start();
    expect(check(), "degraded", "the server's memory is filling up");
  }
  SUBCASE("unhealthy when writes fail") {
    server.settings = {"maxmemory 100kb"};
    server.start();
    expect(check(), "unhealthy", "takes no writes: its memory is used up");
  }
}

TEST_CASE_FIXTURE(Redis, "a replica is unhealthy: it takes no writes") {
  server.settings = {"replicaof 127.0.0.1 1"};
  server.start();
  expect(check(), "unhealthy", "");
}

TEST_CASE_FIXTURE(Redis, "an old version is degraded") {
  server.start();
  config["min_version"] = "99.1";
  expect(check(), "degraded", "wanted 99.1 or newer");
}

TEST_CASE_FIXTURE(Redis, "a slow answer is degraded") {
  server.start();
  config["max_latency"] = "0ms";
  expect(check(), "degraded", "Redis is slow");
}

TEST_CASE_FIXTURE(Redis, "a disk below its limits is degraded or unhealthy") {
  server.start();
  config["data_path"] = server.data().string();
  config["disk_fail_percent"] = 0.0;
  SUBCASE("degraded") {
    config["disk_warn_percent"] = 100.0;
    expect(check(), "degraded", "the disk is filling up");
  }
  SUBCASE("unhealthy") {
    config["disk_warn_percent"] = 0.0;
    config["disk_fail_percent"] = 100.0;
    expect(check(), "unhealthy", "the disk is nearly full");
  }
  SUBCASE("a folder that is not there") {
    config["data_path"] = (server.folder() / "nowhere").string();
    expect(check(), "degraded", "cannot see the free space");
  }
}

TEST_CASE_FIXTURE(Redis, "with wait it tries until the server is there") {
  auto checked = std::async(std::launch::async, [&] { return check({{"wait", "20s"}}); });
  std::this_thread::sleep_for(500ms);
  server.launch();
  const Outcome outcome = checked.get();
  expect(outcome, "healthy");
  CHECK(outcome.ms >= 500);
  REQUIRE_FALSE(host.log.empty());
  CHECK(host.log.front().find("info: waiting: cannot connect to Redis") == 0);
}

TEST_CASE_FIXTURE(Redis, "waiting does not repeat what cannot change") {
  server.start();
  password = "not-the-password";
  const Outcome outcome = check({{"wait", "20s"}});
  expect(outcome, "unhealthy", "refused the password");
  CHECK(outcome.ms < 5000);
}

TEST_CASE_FIXTURE(Redis, "waiting ends when the time is over") {
  const Outcome outcome = check({{"wait", "500ms"}});
  expect(outcome, "unhealthy", "cannot connect");
  CHECK(outcome.ms >= 500);
  CHECK(outcome.ms < 2000);
}

TEST_CASE_FIXTURE(Redis, "the check leaves no key behind") {
  server.settings = {"appendonly yes"};
  server.start();
  expect(check(), "healthy");
  expect(check(), "healthy");
  CHECK(check().result.at("metrics").as_object().contains("keys"));
  CHECK(check().metric("keys") == 0);
}
