// SPDX-License-Identifier: Apache-2.0
// The schema's gate and the watch over migrations, on real databases that move.
#include <doctest/doctest.h>

#include "contract/probes/langfuse_world.hpp"
#include "support/sql.hpp"

using namespace fusebox::test;

namespace {

// Both servers serve all tests of this file; each test makes its tables anew.
struct Databases {
  PostgresServer postgres;
  ClickHouseServer clickhouse;
};
Databases& databases() {
  static Databases servers;
  return servers;
}

struct Langfuse : LangfuseApps {
  Langfuse() {
    skip_program_if(PostgresServer::missing());
    skip_program_if(ClickHouseServer::missing());
    databases().postgres.start();
    databases().clickhouse.start();
    host.secrets["PG"] = databases().postgres.password();
    host.secrets["CH"] = databases().clickhouse.password();
    config["postgres"] = json::object{{"host", "127.0.0.1"},
                                      {"port", databases().postgres.port()},
                                      {"password", secret_handle("PG")}};
    config["clickhouse"] = json::object{{"host", "127.0.0.1"},
                                        {"port", databases().clickhouse.port()},
                                        {"user", "default"},
                                        {"password", secret_handle("CH")}};
  }
  ~Langfuse() {
    pg("DROP TABLE IF EXISTS _prisma_migrations; DROP TABLE IF EXISTS background_migrations");
    ch("DROP TABLE IF EXISTS default.schema_migrations");
  }

  static void pg(const std::string& text) { sql(databases().postgres, text); }
  static void ch(const std::string& text) { sql(databases().clickhouse, text); }

  static void prisma_done(const std::string& name) {
    pg("INSERT INTO _prisma_migrations (id, migration_name, finished_at) VALUES ('" + name +
       "', '" + name + "', now())");
  }
  // golang-migrate: dirty from before a migration to after it.
  static void clickhouse_at(int version, bool dirty) {
    ch("INSERT INTO default.schema_migrations SELECT " + std::to_string(version) + ", " +
       (dirty ? "1" : "0") +
       ", toUInt64(max(sequence) + 1) FROM (SELECT sequence FROM default.schema_migrations UNION "
       "ALL SELECT toUInt64(0) AS sequence)");
  }
  // A stack that ran: two migrations of Prisma, ClickHouse at 37.
  void installed() {
    pg(prisma_table);
    pg(background_table);
    ch(schema_table);
    prisma_done("2024_init");
    prisma_done("2025_next");
    clickhouse_at(37, false);
  }
  void web_is_away() { host.endpoints["langfuse-web"] = ""; }
  void web_is_there() { host.endpoints["langfuse-web"] = at(web.port()); }
  // web does not listen yet: it migrates.
  void web_starts() { web.status = 0; }
  void restarted(int times) {
    const std::scoped_lock guard(mutex);
    web_restarts = times;
  }
  void ended() { is("exited"); }
  void is(const std::string& state) {
    const std::scoped_lock guard(mutex);
    web_state = state;
  }
};

// Holds Prisma's lock while it lives, as `prisma migrate deploy` does.
struct PrismaAtWork {
  PrismaAtWork() : child(spec()) {
    for (int i = 0; i < 500 && !holds(); ++i) std::this_thread::sleep_for(10ms);
    REQUIRE(holds());
  }
  // A client that is killed in a query leaves its session behind until the query ends.
  ~PrismaAtWork() {
    sql(databases().postgres,
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'");
  }
  ChildSpec spec() const {
    ChildSpec spec;
    spec.command = {"psql",
                    "-h",
                    "127.0.0.1",
                    "-p",
                    std::to_string(databases().postgres.port()),
                    "-U",
                    "postgres",
                    "-c",
                    "SELECT pg_advisory_lock(72707369)",
                    "-c",
                    "SELECT pg_sleep(60)"};
    spec.cwd = "/";
    spec.log = folder / "held.log";
    spec.environment = {{"PGPASSWORD", databases().postgres.password()}};
    return spec;
  }
  bool holds() const {
    std::ifstream in(folder / "held.log");
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    return text.find("pg_advisory_lock") != std::string::npos;
  }
  TempDir folder;
  Child child;
};

}  // namespace

TEST_CASE_FIXTURE(Langfuse, "the gate is open where Langfuse never ran, and where it ran well") {
  web_is_away();
  const Outcome first = run("schema");
  expect(first, "healthy");
  CHECK(first.summary() == "no schema yet");
  installed();
  const Outcome outcome = run("schema");
  expect(outcome, "healthy");
  CHECK(outcome.summary() == "2 Prisma migrations, ClickHouse schema 37");
}

TEST_CASE_FIXTURE(Langfuse, "the gate is shut on a dirty ClickHouse schema") {
  installed();
  clickhouse_at(38, true);
  ended();
  expect(run("schema"), "unhealthy", "version 38 is dirty");
}

TEST_CASE_FIXTURE(Langfuse, "the gate is shut on a failed Prisma migration") {
  installed();
  web_is_away();
  pg("INSERT INTO _prisma_migrations (id, migration_name, logs) VALUES ('3', '2026_drop', 'column "
     "is in use')");
  expect(run("schema"), "unhealthy", "2026_drop: column is in use");
}

TEST_CASE_FIXTURE(Langfuse,
                  "the gate is shut while somebody migrates, and says to leave it alone") {
  installed();
  web_starts();
  SUBCASE("ClickHouse") { clickhouse_at(38, true); }
  SUBCASE("Prisma") {
    const PrismaAtWork prisma;
    expect(run("schema"), "unhealthy", "a schema migration is under way");
    return;
  }
  const Outcome outcome = run("schema");
  expect(outcome, "unhealthy", "a schema migration is under way");
  CHECK(outcome.findings().find("leave langfuse-web running") != std::string::npos);
}

TEST_CASE_FIXTURE(Langfuse, "the gate is shut on servers that are not on UTC") {
  installed();
  pg("ALTER ROLE postgres SET timezone = 'Asia/Tokyo'");
  expect(run("schema"), "unhealthy", "timezone is Asia/Tokyo");
  config["timezone"] = "any";
  expect(run("schema"), "healthy");
  pg("ALTER ROLE postgres RESET timezone");
}

TEST_CASE_FIXTURE(Langfuse, "background migrations must be done before an update, and only then") {
  installed();
  pg("INSERT INTO background_migrations (id, name, args) VALUES ('1', 'backfill', '{}')");
  SUBCASE("the version stays") { expect(run("schema"), "degraded", "the first is backfill"); }
  SUBCASE("the version that answers is older") {
    web.version = "3.150.0";
    expect(run("schema"), "unhealthy", "background migrations are not finished");
    expect(run("schema", {{"unfinished", "warn"}}), "degraded", "not finished");
  }
  SUBCASE("the version on record is older, and web is down") {
    web_is_away();
    release["langfuse_web"] = "4.15.0";
    expect(run("schema"), "unhealthy", "background migrations are not finished");
  }
  SUBCASE("nobody knows what ran before") {
    web_is_away();
    expect(run("schema"), "degraded", "not finished");
  }
}

TEST_CASE_FIXTURE(Langfuse,
                  "a downgrade across a major version is refused, a small one warned of") {
  installed();
  pin("langfuse/langfuse:3.150.0", "langfuse/langfuse-worker:3.150.0");
  expect(run("schema"), "unhealthy", "4.16.0 ran, 3.150.0 is locked");
  pin("langfuse/langfuse:4.15.0", "langfuse/langfuse-worker:4.15.0");
  expect(run("schema"), "degraded", "4.16.0 ran, 4.15.0 is locked");
}

TEST_CASE_FIXTURE(Langfuse, "a slow migration is waited for, told, and put on record") {
  installed();
  REQUIRE(run("schema").status() == "healthy");
  web_starts();
  std::thread migrating([&] {
    {
      const PrismaAtWork prisma;
      pg("INSERT INTO _prisma_migrations (id, migration_name) VALUES ('3', '2026_wide')");
      std::this_thread::sleep_for(1500ms);
      pg("UPDATE _prisma_migrations SET finished_at = now() WHERE id = '3'");
    }
    clickhouse_at(38, true);
    std::this_thread::sleep_for(1500ms);
    clickhouse_at(38, false);
    web.heal();
  });
  const Outcome outcome = run("migrated", {{"wait", "60s"}}, {.deadline = 60s});
  migrating.join();
  expect(outcome, "healthy");
  CHECK(outcome.summary() ==
        "migrated to 3 Prisma migrations, ClickHouse schema 38 (from 2 Prisma migrations, "
        "ClickHouse schema 37)");
  CHECK(outcome.result.at("changed") == true);
  const json::object& record = outcome.result.at("release").as_object();
  CHECK(record.at("prisma_migrations") == 3);
  CHECK(record.at("prisma_last") == "2026_wide");
  CHECK(record.at("clickhouse_schema") == 38);
  CHECK(record.at("clickhouse_dirty") == false);
  CHECK(host.logged("Prisma has 2 migrations and runs 2026_wide"));
  CHECK(host.logged("ClickHouse is at 38, half-way"));
}

TEST_CASE_FIXTURE(Langfuse, "a deadline reports what still moves, and undo leaves it running") {
  installed();
  REQUIRE(run("schema").status() == "healthy");
  web_starts();
  clickhouse_at(38, true);
  const Outcome outcome = run("migrated", {{"wait", "1500ms"}});
  expect(outcome, "unhealthy", "schema migrations still run after 1.5 s");
  CHECK(outcome.findings().find("leave langfuse-web running") != std::string::npos);
  const Outcome undone = probe().undo("migrated", outcome.result);
  CHECK(undone.rc == FBX_REFUSED);
  CHECK(undone.what.find("a schema migration is under way") == 0);
  CHECK(undone.hint.find("leave langfuse-web running") == 0);
}

TEST_CASE_FIXTURE(Langfuse,
                  "beside the step that starts web, what runs before is not taken for it") {
  installed();
  web.version = "4.15.0";
  REQUIRE(run("schema").status() == "healthy");
  SUBCASE("an older web answers until then") {}
  SUBCASE("it was stopped") { ended(); }
  SUBCASE("there was none") { is("missing"); }
  auto waiting = std::async(std::launch::async, [&] {
    return run("migrated", {{"wait", "20s"}, {"alongside", true}}, {.deadline = 60s});
  });
  CHECK(waiting.wait_for(2500ms) == std::future_status::timeout);
  {
    const std::scoped_lock guard(host.mutex);
    CHECK(host.checkpoints.size() == 1);  // undo asks here from the first moment on
  }
  web.become("4.16.0");
  is("running");
  expect(waiting.get(), "healthy");
  CHECK(host.logged("langfuse-web is not started yet"));
}

TEST_CASE_FIXTURE(Langfuse,
                  "undo gives a web that was just started the time to show its migration") {
  installed();
  REQUIRE(run("schema").status() == "healthy");
  expect(run("migrated"), "healthy");
  web_starts();
  std::thread migrating([&] {
    std::this_thread::sleep_for(2s);
    clickhouse_at(38, true);
  });
  const Outcome undone = probe().undo("migrated");
  migrating.join();
  CHECK(undone.rc == FBX_REFUSED);
  CHECK(undone.what.find("a schema migration is under way") == 0);
}

TEST_CASE_FIXTURE(Langfuse, "a run that was resumed is undone by what its first attempt saw") {
  installed();
  REQUIRE(run("schema").status() == "healthy");
  expect(run("migrated"), "healthy");
  ConfiguredPlugin resumed(host, PROBE_LIBRARY, config, "/nonexistent", lock);
  CHECK(resumed.run("migrated").status() == "healthy");
  CHECK(host.checkpoints.size() == 2);
  CHECK(resumed.undo("migrated").rc == FBX_OK);
}

TEST_CASE_FIXTURE(Langfuse, "web that listens has migrated, whatever it says of its health") {
  installed();
  web.status = 503;
  expect(run("migrated", {{"wait", "60s"}}), "healthy");
}

TEST_CASE_FIXTURE(Langfuse, "web that accepts and says nothing hides neither schema nor time") {
  installed();
  const SilentListener silent;
  host.endpoints["langfuse-web"] = at(silent.port());
  clickhouse_at(38, true);
  const Outcome outcome = run("migrated", {{"wait", "3s"}});
  expect(outcome, "unhealthy", "ClickHouse is at 38, half-way");
  CHECK(outcome.ms < 8000);
}

TEST_CASE_FIXTURE(Langfuse,
                  "web that hangs without a migration is no migration, and can be undone") {
  installed();
  REQUIRE(run("schema").status() == "healthy");
  web_starts();
  const Outcome outcome = run("migrated", {{"wait", "500ms"}});
  expect(outcome, "unhealthy", "no migration is under way");
  CHECK(probe().undo("migrated", outcome.result).rc == FBX_OK);
}

TEST_CASE_FIXTURE(Langfuse, "web that dies in a migration ends the wait, and undo stops there") {
  installed();
  REQUIRE(run("schema").status() == "healthy");
  web_starts();
  std::thread dying([&] {
    clickhouse_at(38, true);
    std::this_thread::sleep_for(500ms);
    restarted(1);
  });
  const Outcome outcome = run("migrated", {{"wait", "60s"}});
  dying.join();
  expect(outcome, "unhealthy", "langfuse-web ended in the middle of a migration");
  CHECK(outcome.findings().find("migrate force 38") != std::string::npos);
  CHECK(outcome.ms < 20'000);
  const Outcome undone = probe().undo("migrated", outcome.result);
  CHECK(undone.rc == FBX_REFUSED);
  CHECK(undone.what.find("ClickHouse schema 38, half-done") != std::string::npos);
}

TEST_CASE_FIXTURE(Langfuse, "web that ends without a migration is told at once") {
  installed();
  web_starts();
  SUBCASE("for good") {
    ended();
    expect(run("migrated", {{"wait", "60s"}}), "unhealthy", "langfuse-web is exited");
  }
  SUBCASE("again and again") {
    std::thread crashing([&] {
      std::this_thread::sleep_for(300ms);
      restarted(5);
    });
    expect(run("migrated", {{"wait", "60s"}}), "unhealthy", "keeps exiting");
    crashing.join();
  }
}

TEST_CASE_FIXTURE(Langfuse, "a failed migration of Prisma ends the wait, with its reason") {
  installed();
  web_starts();
  pg("INSERT INTO _prisma_migrations (id, migration_name, logs) VALUES ('3', '2026_drop', 'column "
     "is in use')");
  expect(run("migrated", {{"wait", "60s"}}), "unhealthy", "2026_drop: column is in use");
}

TEST_CASE_FIXTURE(Langfuse, "undo knows where the schema stood, also in another process") {
  installed();
  REQUIRE(run("schema").status() == "healthy");
  expect(run("migrated"), "healthy");
  REQUIRE(host.checkpoints.size() == 1);
  // Another instance, as after a crash: it has the checkpoints alone.
  ConfiguredPlugin later(host, PROBE_LIBRARY, config, "/nonexistent", lock);
  SUBCASE("unmoved: what ran before may come back") { CHECK(later.undo("migrated").rc == FBX_OK); }
  SUBCASE("moved: refused, with both states") {
    prisma_done("2026_wide");
    const Outcome undone = later.undo("migrated");
    CHECK(undone.rc == FBX_REFUSED);
    CHECK(undone.what.find("from 2 Prisma migrations, ClickHouse schema 37 to 3 Prisma") !=
          std::string::npos);
  }
  SUBCASE("a database that is away: refused, for nobody can tell") {
    databases().clickhouse.stop();
    CHECK(later.undo("migrated").rc == FBX_REFUSED);
    databases().clickhouse.start();
  }
}

TEST_CASE_FIXTURE(Langfuse, "a first install may be undone, whatever it has made") {
  web_is_away();
  REQUIRE(run("schema").status() == "healthy");
  web_is_there();
  installed();
  expect(run("migrated"), "healthy");
  CHECK(probe().undo("migrated").rc == FBX_OK);
}

TEST_CASE_FIXTURE(Langfuse, "undo is refused when nobody looked at the schema before") {
  installed();
  expect(run("migrated"), "healthy");
  const Outcome undone = probe().undo("migrated");
  CHECK(undone.rc == FBX_REFUSED);
  CHECK(undone.hint.find("probe-langfuse.schema") != std::string::npos);
  host.checkpoints.clear();  // run() had not begun
  CHECK(probe().undo("migrated").rc == FBX_OK);
}

TEST_CASE_FIXTURE(Langfuse, "a cancel ends the wait at once, and undo still protects web") {
  installed();
  REQUIRE(run("schema").status() == "healthy");
  web_starts();
  clickhouse_at(38, true);
  fusebox::util::CancelToken token;
  std::thread operator_thread([&] {
    std::this_thread::sleep_for(1500ms);
    token.cancel();
  });
  const Outcome outcome = run("migrated", {{"wait", "60s"}}, {.deadline = 60s, .cancel = &token});
  operator_thread.join();
  CHECK(outcome.rc == FBX_CANCELLED);
  CHECK(outcome.ms < 5000);
  CHECK(probe().undo("migrated").rc == FBX_REFUSED);
}
