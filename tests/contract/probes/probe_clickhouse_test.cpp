// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "contract/probes/probe_support.hpp"
#include "support/http_server.hpp"
#include "support/sql.hpp"

using namespace fusebox::test;

namespace {

struct ClickHouse {
  ClickHouse() { skip_program_if(ClickHouseServer::missing()); }

  Outcome check(const json::object& with = {}) {
    host.secrets["PASSWORD"] = password;
    json::object settings = config;
    settings["port"] = server.port();
    settings["disk_min_free"] = "1B";
    ConfiguredPlugin probe(host, PROBE_LIBRARY, settings);
    Outcome outcome = probe.run("check", with);
    expect_silent_about(outcome, host);
    return outcome;
  }

  void sql(const std::string& text) const { fusebox::test::sql(server, text); }

  ClickHouseServer server;
  FakeHost host;
  std::string password = server.password();
  json::object config{{"password", secret_handle("PASSWORD")}};
};

}  // namespace

TEST_CASE("probe-clickhouse keeps the rules of all probes") {
  expect_probe_rules(PROBE_LIBRARY, {{"password", secret_handle("PASSWORD")}});
}

TEST_CASE_FIXTURE(ClickHouse, "a healthy ClickHouse is healthy, with version, latency and sizes") {
  server.start();
  sql("CREATE TABLE default.t (d Date, x UInt64) ENGINE = MergeTree(d, x, 8192)");
  sql("INSERT INTO default.t SELECT today(), number FROM system.numbers LIMIT 1000");
  config["data_path"] = server.data().string();
  config["disk_warn_percent"] = 0.0;
  config["disk_fail_percent"] = 0.0;
  const Outcome outcome = check();
  expect(outcome, "healthy");
  CHECK(outcome.summary().find("ClickHouse ") == 0);
  CHECK(outcome.metric("latency_ms") > 0);
  CHECK(outcome.metric("data_bytes") > 0);
  CHECK(outcome.metric("system_log_bytes") == 0);
  CHECK(outcome.metric("disk_free") > 0);
}

TEST_CASE_FIXTURE(ClickHouse, "a wrong password is unhealthy") {
  server.start();
  password = "not-the-password";
  expect(check(), "unhealthy", "refused the login of default");
}

TEST_CASE_FIXTURE(ClickHouse, "a missing password is unhealthy") {
  server.start();
  config.erase("password");
  expect(check(), "unhealthy", "");
}

TEST_CASE_FIXTURE(ClickHouse, "an unknown user is unhealthy") {
  server.start();
  config["user"] = "nobody_here";
  expect(check(), "unhealthy", "refused the login of nobody_here");
}

TEST_CASE_FIXTURE(ClickHouse, "a time zone that is not UTC is unhealthy") {
  server.timezone = "Asia/Tokyo";
  server.start();
  expect(check(), "unhealthy", "timezone() is Asia/Tokyo");
  SUBCASE("unless the config accepts any") {
    config["timezone"] = "any";
    expect(check(), "healthy");
  }
}

TEST_CASE_FIXTURE(ClickHouse,
                  "system logs larger than limit and data are degraded, with the snippet") {
  server.config_xml =
      "<query_log><database>system</database><table>query_log</table>"
      "<flush_interval_milliseconds>100</flush_interval_milliseconds></query_log>";
  server.profile_xml = "<log_queries>1</log_queries><log_query_threads>0</log_query_threads>";
  server.start();
  config["system_log_limit"] = "1B";
  Outcome outcome = check();
  for (int i = 0; i < 100 && outcome.status() == "healthy"; ++i) {
    std::this_thread::sleep_for(50ms);
    outcome = check();
  }
  expect(outcome, "degraded", "the server's own logs take more room than the data");
  // Langfuse reads this one: it must not be advised away.
  CHECK(outcome.findings().find("<query_log><ttl>") != std::string::npos);
  CHECK(outcome.findings().find("remove=") == std::string::npos);
  config.erase("system_log_limit");
  expect(check(), "healthy");
}

TEST_CASE_FIXTURE(ClickHouse,
                  "a version below the wanted one is degraded, and only when one is set") {
  server.start();
  expect(check(), "healthy");
  config["min_version"] = "99.1";
  expect(check(), "degraded", "wanted 99.1 or newer");
}

TEST_CASE_FIXTURE(ClickHouse, "a database that is not there is unhealthy") {
  server.start();
  config["database"] = "it's none";
  expect(check(), "unhealthy", "there is no database it's none");
}

TEST_CASE_FIXTURE(ClickHouse, "a dirty migration is unhealthy, a clean one is not") {
  server.start();
  sql(schema_table);
  sql("INSERT INTO default.schema_migrations VALUES (32, 1, 1), (32, 0, 2)");
  SUBCASE("clean") {
    const Outcome outcome = check();
    expect(outcome, "healthy");
    CHECK(outcome.metric("schema_version") == 32);
  }
  SUBCASE("dirty") {
    sql("INSERT INTO default.schema_migrations VALUES (33, 1, 3)");
    expect(check(), "unhealthy", "version 33 is dirty");
    config["migrations"] = false;
    expect(check(), "healthy");
  }
  SUBCASE("of another shape") {
    sql("DROP TABLE default.schema_migrations");
    sql("CREATE TABLE default.schema_migrations (version Int64) ENGINE = TinyLog");
    expect(check(), "degraded", "cannot read schema_migrations");
  }
}

TEST_CASE_FIXTURE(ClickHouse, "the native port instead of the HTTP port is told") {
  server.start();
  config["port"] = server.tcp_port();
  host.secrets["PASSWORD"] = password;
  ConfiguredPlugin probe(host, PROBE_LIBRARY, config);
  expect(probe.run("check"), "unhealthy", "check that");
}

TEST_CASE_FIXTURE(ClickHouse, "with wait it tries until the server is there") {
  auto checked = std::async(std::launch::async, [&] { return check({{"wait", "30s"}}); });
  std::this_thread::sleep_for(400ms);
  server.launch();
  const Outcome outcome = checked.get();
  expect(outcome, "healthy");
  CHECK(outcome.ms >= 400);
}

namespace {

// The answers of a server that this machine does not have: by a part of the query.
struct Modern {
  Modern() {
    host.secrets["PASSWORD"] = "canary-2b7e";
    config["port"] = server.port();
    config["password"] = secret_handle("PASSWORD");
  }

  static std::string decoded(const std::string& target) {
    std::string out;
    for (std::size_t i = 0; i < target.size(); ++i) {
      if (target[i] != '%') {
        out += target[i];
        continue;
      }
      out += static_cast<char>(std::stoi(target.substr(i + 1, 2), nullptr, 16));
      i += 2;
    }
    return out;
  }

  WebResponse answer(const WebRequest& request) const {
    if (request.headers.count("x-clickhouse-user") == 0) return {403, "no user", {}};
    const std::string query = decoded(request.target);
    for (const auto& [part, response] : answers)
      if (query.find(part) != std::string::npos) return response;
    return {200, "", {}};
  }

  Outcome check() {
    ConfiguredPlugin probe(host, PROBE_LIBRARY, config);
    Outcome outcome = probe.run("check");
    expect_silent_about(outcome, host);
    for (const WebRequest& request : server.requests())
      CHECK(request.target.find("canary") == std::string::npos);
    return outcome;
  }

  std::map<std::string, WebResponse> answers{
      {"SELECT 1 ", {200, "1\n", {}}},
      {"version(), timezone()", {200, "26.4.1.1\tUTC\n", {}}},
      {"FROM system.disks", {200, "default\t900000000000\t1000000000000\n", {}}},
      {"name IN ('disks'", {200, "disks\nreplicas\n", {}}},
      {"FROM system.databases", {200, "default\n", {}}}};
  HttpServer server{[this](const WebRequest& request) { return answer(request); }};
  FakeHost host;
  json::object config;
};

}  // namespace

TEST_CASE_FIXTURE(Modern, "a server of today is healthy, and tells its own disks") {
  config["min_version"] = "25.12";
  const Outcome outcome = check();
  expect(outcome, "healthy");
  CHECK(outcome.metric("disk_free_percent") == 90);
}

TEST_CASE_FIXTURE(Modern, "a server of today that refuses the login does so with 516 or 403") {
  answers["SELECT 1 "] = {403,
                          "Code: 516. DB::Exception: default: Authentication failed",
                          {{"X-ClickHouse-Exception-Code", "516"}}};
  expect(check(), "unhealthy", "refused the login of default | HTTP 403: Code: 516");
}

TEST_CASE_FIXTURE(Modern, "a user without the right to read system tables is told how to get it") {
  answers["system.parts"] = {403, "Code: 497. DB::Exception: Not enough privileges", {}};
  expect(check(), "unhealthy", "GRANT SELECT ON system.*");
}

TEST_CASE_FIXTURE(Modern, "disks that are full are unhealthy, the fullest one counts") {
  answers["FROM system.disks"] = {
      200, "cold\t900000000000\t1000000000000\ndefault\t1000000\t1000000000000\n", {}};
  const Outcome outcome = check();
  expect(outcome, "unhealthy", "the disk is nearly full");
  CHECK(outcome.metric("disk_free") == 1000000);
}

TEST_CASE_FIXTURE(Modern, "read-only replicas are unhealthy") {
  answers["FROM system.replicas"] = {200, "default.traces\ndefault.scores\n", {}};
  expect(check(), "unhealthy", "2 of them, the first is default.traces");
}

TEST_CASE_FIXTURE(Modern, "a log table that nobody needs may go") {
  answers["database = 'system' AND match"] = {200, "trace_log\t5000000000\nquery_log\t1000\n", {}};
  answers["database != 'system'"] = {200, "1000000\n", {}};
  expect(check(), "degraded", "<trace_log remove=\"1\"/>");
}

TEST_CASE_FIXTURE(Modern,
                  "a server that is not ready may be asked again, another service may not") {
  answers["SELECT 1 "] = {503, "starting", {}};
  expect(check(), "unhealthy", "is not ready | HTTP 503: starting");
  answers["SELECT 1 "] = {404, "nothing here", {}};
  expect(check(), "unhealthy", "does not answer like ClickHouse");
}
