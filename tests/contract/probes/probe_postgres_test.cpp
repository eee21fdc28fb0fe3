// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "contract/probes/probe_support.hpp"
#include "support/sql.hpp"

using namespace fusebox::test;

namespace {

// One cluster for all tests: initdb takes a second, a start a tenth of it.
PostgresServer& cluster() {
  static PostgresServer server;
  return server;
}

struct Postgres {
  Postgres() {
    skip_program_if(PostgresServer::missing());
    cluster().settings.clear();
  }
  ~Postgres() { cluster().stop(); }

  void start(std::vector<std::string> settings = {}) {
    cluster().settings = std::move(settings);
    cluster().start();
    password = cluster().password();
  }

  Outcome check(const json::object& with = {}, const CallLimits& limits = {}) {
    host.secrets["PASSWORD"] = password;
    json::object settings = config;
    settings["port"] = cluster().port();
    settings["disk_min_free"] = "1B";
    ConfiguredPlugin probe(host, PROBE_LIBRARY, settings);
    Outcome outcome = probe.run("check", with, limits);
    expect_silent_about(outcome, host);
    return outcome;
  }

  static void sql(const std::string& text, const std::string& database = "postgres") {
    fusebox::test::sql(cluster(), text, database);
  }

  FakeHost host;
  std::string password = "set when started";
  json::object config{{"password", secret_handle("PASSWORD")}};
};

}  // namespace

TEST_CASE("probe-postgres keeps the rules of all probes") {
  expect_probe_rules(PROBE_LIBRARY, {{"password", secret_handle("PASSWORD")}});
}

TEST_CASE_FIXTURE(Postgres, "a healthy PostgreSQL is healthy, with version, latency and sizes") {
  start();
  const Outcome outcome = check();
  expect(outcome, "healthy");
  CHECK(outcome.summary().find("PostgreSQL 1") == 0);
  CHECK(outcome.summary().find(std::to_string(cluster().port())) != std::string::npos);
  CHECK(outcome.metric("latency_ms") > 0);
  CHECK(outcome.metric("database_size") > 1'000'000);
  CHECK(outcome.metric("connections") >= 1);
  CHECK(outcome.metric("max_connections") == 100);
  CHECK_FALSE(outcome.result.contains("findings"));
}

TEST_CASE_FIXTURE(Postgres, "a wrong password is unhealthy, and the remedy says what to compare") {
  start();
  password = "not-the-password";
  expect(check(), "unhealthy", "refused the password of postgres | password authentication failed");
}

TEST_CASE_FIXTURE(Postgres, "a missing password is told from a wrong one") {
  start();
  config.erase("password");
  expect(check(), "unhealthy", "wants a password");
}

TEST_CASE_FIXTURE(Postgres, "a role or a database that is not there is named") {
  start();
  SUBCASE("database") {
    config["database"] = "langfuse_none";
    expect(check(), "unhealthy", "has no database langfuse_none");
  }
  SUBCASE("role: SCRAM does not tell it from a wrong password") {
    config["user"] = "nobody_here";
    expect(check(), "unhealthy", "refused the password of nobody_here");
  }
}

TEST_CASE_FIXTURE(Postgres, "a time zone that is not UTC is unhealthy") {
  start({"timezone=Europe/Berlin"});
  expect(check(), "unhealthy", "timezone is Europe/Berlin (set by: command line)");
  SUBCASE("unless the config accepts any") {
    config["timezone"] = "any";
    expect(check(), "healthy");
  }
}

TEST_CASE_FIXTURE(Postgres, "UTC under another name is UTC") {
  start({"timezone=Etc/UTC"});
  expect(check(), "healthy");
}

TEST_CASE_FIXTURE(Postgres, "PGTZ in the environment is not taken for the server's time zone") {
  start({"timezone=Europe/Berlin"});
  ::setenv("PGTZ", "UTC", 1);
  const Outcome outcome = check();
  ::unsetenv("PGTZ");
  expect(outcome, "degraded", "cannot see the server's time zone");
}

TEST_CASE_FIXTURE(Postgres, "a server that is read-only by default is unhealthy") {
  start({"default_transaction_read_only=on"});
  expect(check(), "unhealthy", "takes no writes by default");
}

TEST_CASE_FIXTURE(Postgres, "a version below the wanted one is degraded") {
  start();
  config["min_version"] = "99";
  expect(check(), "degraded", "wanted 99 or newer");
}

TEST_CASE_FIXTURE(Postgres, "few connections left is degraded") {
  start();
  config["connections_warn_percent"] = 0.5;
  expect(check(), "degraded", "connections are running out");
}

TEST_CASE_FIXTURE(Postgres, "no connection left is unhealthy, and is said so") {
  start({"max_connections=1", "superuser_reserved_connections=0", "max_wal_senders=0"});
  ChildSpec spec;
  spec.command = {"psql",
                  "-h",
                  "127.0.0.1",
                  "-p",
                  std::to_string(cluster().port()),
                  "-U",
                  "postgres",
                  "-c",
                  "SELECT 'held'",
                  "-c",
                  "SELECT pg_sleep(60)"};
  spec.cwd = "/";
  spec.log = cluster().folder() / "held.log";
  spec.environment = {{"PGPASSWORD", cluster().password()}};
  Child held(spec);
  const auto holds = [&] {
    std::ostringstream text;
    text << std::ifstream(spec.log).rdbuf();
    return text.str().find("held") != std::string::npos;
  };
  for (int i = 0; i < 1000 && !holds(); ++i) std::this_thread::sleep_for(20ms);
  REQUIRE(holds());
  expect(check(), "unhealthy", "has no connection left");
}

TEST_CASE_FIXTURE(Postgres, "Langfuse's migration tables are judged") {
  start();
  const std::string database = "langfuse_migrations";
  sql("CREATE DATABASE " + database);
  config["database"] = database;
  sql(background_table, database);
  sql(prisma_table, database);
  sql("INSERT INTO background_migrations (id, name, args, finished_at) VALUES "
      "('1', 'done', '{}', now())",
      database);
  sql("INSERT INTO background_migrations (id, name, args) VALUES "
      "('2', 'dormant', '{\"envGate\":\"LANGFUSE_X\"}')",
      database);
  sql("INSERT INTO _prisma_migrations (id, migration_name, finished_at) VALUES "
      "('1', '2024_init', now())",
      database);
  SUBCASE("finished and dormant ones are fine") {
    const Outcome outcome = check();
    expect(outcome, "healthy");
    CHECK(outcome.metric("background_migrations_unfinished") == 0);
  }
  SUBCASE("an unfinished one is degraded") {
    sql("INSERT INTO background_migrations (id, name, args) VALUES ('3', 'backfill', '{}')",
        database);
    expect(check(), "degraded", "1 unfinished, the first is backfill");
    config["migrations"] = false;
    expect(check(), "healthy");
  }
  SUBCASE("a failed one is degraded, with its reason") {
    sql("INSERT INTO background_migrations (id, name, args, failed_at, failed_reason) VALUES "
        "('3', 'backfill', '{}', now(), 'disk full')",
        database);
    expect(check(), "degraded", "backfill: disk full");
  }
  SUBCASE("a running schema migration is degraded") {
    sql("INSERT INTO _prisma_migrations (id, migration_name) VALUES ('2', '2026_next')", database);
    expect(check(), "degraded", "a schema migration is running | 2026_next");
  }
  SUBCASE("a failed schema migration is unhealthy") {
    sql("INSERT INTO _prisma_migrations (id, migration_name, logs) VALUES "
        "('2', '2026_next', 'column exists')",
        database);
    expect(check(), "unhealthy", "a schema migration failed");
  }
  SUBCASE("a role that may not read them says so") {
    sql("CREATE ROLE reader LOGIN PASSWORD '" + cluster().password() + "'");
    config["user"] = "reader";
    expect(check(), "degraded", "cannot read background_migrations");
    sql("DROP ROLE reader");
  }
  SUBCASE("tables of another shape do not break the check") {
    sql("ALTER TABLE background_migrations DROP COLUMN failed_reason", database);
    expect(check(), "degraded", "cannot read background_migrations");
  }
  sql("DROP DATABASE " + database);
}

TEST_CASE_FIXTURE(Postgres, "with wait it tries until the server is there") {
  password = cluster().password();
  auto checked = std::async(std::launch::async, [&] { return check({{"wait", "30s"}}); });
  std::this_thread::sleep_for(400ms);
  cluster().launch();
  const Outcome outcome = checked.get();
  expect(outcome, "healthy");
  CHECK(outcome.ms >= 400);
  REQUIRE_FALSE(host.log.empty());
  CHECK(host.log.front().find("waiting: cannot connect to PostgreSQL") != std::string::npos);
}

TEST_CASE_FIXTURE(Postgres, "a standby that is still recovering is starting, never healthy") {
  // A standby without hot_standby refuses every client with "the database system is starting up".
  std::ofstream(cluster().data() / "standby.signal").flush();
  cluster().settings = {"hot_standby=off"};
  cluster().launch();
  password = cluster().password();
  Outcome outcome = check();
  for (int i = 0; i < 200 && outcome.findings().find("cannot connect") != std::string::npos; ++i) {
    std::this_thread::sleep_for(20ms);
    outcome = check();
  }
  cluster().stop();
  std::filesystem::remove(cluster().data() / "standby.signal");
  expect(outcome, "unhealthy", "is still starting");
}
