// SPDX-License-Identifier: Apache-2.0
#include "support/langfuse/migrations.hpp"

#include "support/langfuse/stores.hpp"

#include <fmt/format.h>

#include <chrono>
#include <iostream>
#include <thread>

namespace stand_in {

namespace {

constexpr int prisma_migrations = 434;
constexpr int clickhouse_migrations = 46;
constexpr auto prisma_lock = 72707369;  // Prisma's own number

// A newer schema than the release's own, so that an update has something to migrate.
int further(const Settings& settings) {
  return settings.has_fault("schema") || settings.has_fault("slow") ? 1 : 0;
}

// A part of the time that migrations take when they are slow.
void pause(const Settings& settings, int part) {
  if (settings.has_fault("slow"))
    std::this_thread::sleep_for(std::chrono::milliseconds(settings.seconds * 1000 / part));
}

void migrate_postgres(const Settings& settings) {
  Postgres database(settings);
  database.query(fmt::format("SELECT pg_advisory_lock({})", prisma_lock));
  database.query(R"(CREATE TABLE IF NOT EXISTS _prisma_migrations (
    id VARCHAR(36) PRIMARY KEY, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ,
    migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
    started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0))");
  database.query(R"(CREATE TABLE IF NOT EXISTS background_migrations (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, script TEXT NOT NULL, args JSONB NOT NULL,
    state JSONB NOT NULL DEFAULT '{}', finished_at TIMESTAMP(3), failed_at TIMESTAMP(3), failed_reason TEXT,
    worker_id TEXT, locked_at TIMESTAMP(3)))");
  const int target = prisma_migrations + further(settings);
  const int last = std::stoi(database.query("SELECT count(*) FROM _prisma_migrations"));
  std::cout << target << " migrations found in prisma/migrations\n" << std::flush;
  if (last < target) {
    database.query(fmt::format(
        "INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at) SELECT "
        "md5(n::text), md5(n::text), '2026' || lpad(n::text, 10, '0') || '_step', now() "
        "FROM generate_series({}, {}) n",
        last + 1, target));
    pause(settings, 2);
    database.query(
        "UPDATE _prisma_migrations SET finished_at = now(), applied_steps_count = 1 "
        "WHERE finished_at IS NULL");
  } else {
    std::cout << "No pending migrations to apply.\n" << std::flush;
  }
  database.query(
      "INSERT INTO background_migrations (id, name, script, args) VALUES "
      "('1', '20240814_fill_new_columns', 'fillColumns', '{}'), "
      "('2', '20260301_backfill_events', 'backfillEvents', "
      "'{\"envGate\": \"LANGFUSE_BACKGROUND_MIGRATION_V4_ENABLE_HISTORIC_BACKFILL\"}') "
      "ON CONFLICT DO NOTHING");
}

// golang-migrate: a row before each step with dirty = 1, and one after it with dirty = 0.
void note(const Settings& settings, int version, int dirty) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  clickhouse(
      settings,
      fmt::format("INSERT INTO schema_migrations (version, dirty, sequence) VALUES ({}, {}, {})",
                  version, dirty,
                  std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()));
}

void migrate_clickhouse(const Settings& settings) {
  clickhouse(
      settings,
      "CREATE TABLE IF NOT EXISTS schema_migrations (version Int64, dirty UInt8, sequence UInt64) "
      "ENGINE = MergeTree ORDER BY sequence");
  const auto last_row = clickhouse(
      settings, "SELECT version, dirty FROM schema_migrations ORDER BY sequence DESC LIMIT 1");
  int version = last_row.empty() ? 0 : std::stoi(last_row);
  if (last_row.ends_with("\t1"))
    throw Failure(fmt::format("error: Dirty database version {}. Fix and force version.", version));
  const int target = clickhouse_migrations + further(settings);
  if (version > target)
    throw Failure(fmt::format("error: no migration found for version {}: read down", version));
  if (settings.has_fault("dirty")) {
    note(settings, version + 1, 1);
    throw Failure("error: migration failed: code: 60, Table default.traces doesn't exist");
  }
  // All at once but for the last few, so that a slow one can be watched and a quick one is quick.
  constexpr int watched = 5;
  if (version < target - watched) {
    version = target - watched;
    note(settings, version, 0);
  }
  const int steps = target - version;
  while (version < target) {
    ++version;
    note(settings, version, 1);
    pause(settings, 2 * steps);
    note(settings, version, 0);
    std::cout << version << "/u step\n" << std::flush;
  }
}

}  // namespace

void migrate(const Settings& settings) {
  migrate_postgres(settings);
  migrate_clickhouse(settings);
}

void finish_background_migrations(const Settings& settings) {
  Postgres(settings).query(
      "UPDATE background_migrations SET finished_at = now() "
      "WHERE finished_at IS NULL AND NOT args ? 'envGate'");
}

}  // namespace stand_in
