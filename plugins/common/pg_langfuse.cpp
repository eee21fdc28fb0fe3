// SPDX-License-Identifier: Apache-2.0
#include "common/pg_langfuse.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "common/probe.hpp"

namespace fbx::postgres {

namespace {

using common::Severity;

constexpr const char* tables_sql = R"(
SELECT (to_regclass('_prisma_migrations') IS NOT NULL)::int,
       (to_regclass('background_migrations') IS NOT NULL)::int)";

// 72707369 is the advisory lock that Prisma holds from before its first migration to after its
// last. It can be switched off, hence the ten minutes.
constexpr const char* prisma_sql = R"(
WITH done AS (
  SELECT migration_name FROM _prisma_migrations
  WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL),
open AS (
  SELECT migration_name, started_at, logs FROM _prisma_migrations
  WHERE finished_at IS NULL AND rolled_back_at IS NULL ORDER BY started_at LIMIT 1),
lock AS (
  SELECT EXISTS (
    SELECT 1 FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = 72707369 AND objsubid = 1
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS held)
SELECT (SELECT count(DISTINCT migration_name) FROM done), (SELECT max(migration_name) FROM done),
       open.migration_name, left(open.logs, 300), lock.held::int,
       (open.logs IS NOT NULL OR (NOT lock.held AND now() - open.started_at > interval '10 minutes'))::int
FROM lock LEFT JOIN open ON true)";

// A row with an envGate is dormant until its variable is set, unless a worker has taken it.
constexpr const char* background_sql = R"(
SELECT count(*), count(failed_at), min(name) FILTER (WHERE failed_at IS NOT NULL),
       min(name), min(failed_reason)
FROM background_migrations
WHERE finished_at IS NULL
  AND (to_jsonb(args) ->> 'envGate' IS NULL OR failed_at IS NOT NULL OR locked_at IS NOT NULL))";

std::int64_t number(const std::optional<std::string>& cell) {
  return cell ? std::strtoll(cell->c_str(), nullptr, 10) : 0;
}

// The one row of `sql`; an error when there is none of that width.
Reading<Row> one_row(Client& client, const char* sql, std::size_t columns) {
  Answer answer = client.query(sql);
  if (answer.error) return {{}, std::move(answer.error)};
  if (answer.rows.size() != 1 || answer.rows[0].size() != columns)
    return {{}, QueryError{"", "an answer of a wrong shape"}};
  return {std::move(answer.rows[0]), std::nullopt};
}

void cannot_read(const char* table, const QueryError& error, common::Result& result) {
  result.add({Severity::warning,
              fmt::format("cannot read {}", table),
              error.text,
              "give the role SELECT on that table",
              {}});
}

}  // namespace

Reading<LangfuseTables> read_tables(Client& client) {
  auto [row, error] = one_row(client, tables_sql, 2);
  if (error) return {{}, std::move(error)};
  return {{number(row[0]) != 0, number(row[1]) != 0}, std::nullopt};
}

Reading<PrismaState> read_prisma(Client& client) {
  auto [row, error] = one_row(client, prisma_sql, 6);
  if (error) return {{}, std::move(error)};
  return {{number(row[0]), row[1].value_or(""), row[2].value_or(""), row[3].value_or(""),
           number(row[5]) != 0, number(row[4]) != 0},
          std::nullopt};
}

Reading<BackgroundState> read_background(Client& client) {
  auto [row, error] = one_row(client, background_sql, 5);
  if (error) return {{}, std::move(error)};
  const bool has_failed = row[2].has_value();
  return {{number(row[0]), number(row[1]), row[has_failed ? 2 : 3].value_or(""),
           row[4].value_or("no reason given")},
          std::nullopt};
}

void judge_prisma(const Reading<PrismaState>& reading, common::Result& result) {
  if (reading.error) return cannot_read("_prisma_migrations", *reading.error, result);
  const PrismaState& state = reading.value;
  if (state.open.empty()) return;
  if (!state.failed) {
    result.add({Severity::warning,
                "a schema migration is running",
                state.open,
                "let it finish: never stop langfuse-web while it migrates",
                {}});
    return;
  }
  result.add({Severity::error,
              "a schema migration failed: langfuse-web will not start",
              state.reason.empty() ? state.open : fmt::format("{}: {}", state.open, state.reason),
              "mend its cause, then `prisma migrate resolve --rolled-back` it and start again",
              {}});
}

void judge_background(const Reading<BackgroundState>& reading, Severity severity,
                      common::Result& result) {
  if (reading.error) return cannot_read("background_migrations", *reading.error, result);
  const BackgroundState& state = reading.value;
  result.metric("background_migrations_unfinished", state.unfinished, "");
  if (state.failed > 0)
    result.add({severity,
                "a background migration failed",
                fmt::format("{} of {} unfinished failed; {}: {}", state.failed, state.unfinished,
                            state.first, state.reason),
                "mend the cause, then retry it in Langfuse; do not update before it is done",
                {}});
  else if (state.unfinished > 0)
    result.add({severity,
                "background migrations are not finished",
                fmt::format("{} unfinished, the first is {}", state.unfinished, state.first),
                "let the worker run until they are; do not update before",
                {}});
}

void judge_timezone(const std::string& setting, const std::string& source, common::Result& result) {
  // PGTZ and PGOPTIONS make libpq set the session's own zone, which hides the server's.
  if (source == "client" || source == "session") {
    result.add({Severity::warning,
                "cannot see the server's time zone",
                "PGTZ or PGOPTIONS in fusebox's environment set this session's own",
                "unset them where fusebox runs",
                {}});
    return;
  }
  if (common::is_utc(setting)) return;
  result.add({Severity::error,
              "the server's time zone is not UTC",
              fmt::format("timezone is {} (set by: {})", setting, source),
              "set `timezone = 'UTC'` in postgresql.conf (container: TZ=UTC PGTZ=UTC) and restart",
              {}});
}

}  // namespace fbx::postgres
