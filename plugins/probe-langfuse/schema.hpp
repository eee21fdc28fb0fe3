// SPDX-License-Identifier: Apache-2.0
// Where Langfuse's schema stands in both databases.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/ch_langfuse.hpp"
#include "common/pg_langfuse.hpp"
#include "common/probe.hpp"
#include "settings.hpp"

namespace fbx::langfuse {

// What tells one state of the schema from another. As JSON it is a checkpoint's and a release's.
struct SchemaVersion {
  std::int64_t prisma = 0;  // how many of Prisma's migrations are in effect
  std::string prisma_last;
  std::int64_t clickhouse = 0;

  bool is_none() const { return prisma == 0 && clickhouse == 0; }  // Langfuse never ran
  std::string text() const;  // "434 Prisma migrations, ClickHouse schema 46"
  bool operator==(const SchemaVersion&) const = default;
};

json::object to_json(const SchemaVersion& version);
SchemaVersion schema_version_from(const json::object& object);

struct Schema {
  postgres::PrismaState prisma;
  std::optional<postgres::BackgroundState> background;
  clickhouse::SchemaState clickhouse;

  SchemaVersion version() const;
  // A migration has begun and not ended, in one of the two. It runs, or was killed in its middle.
  bool is_open() const { return !prisma.open.empty() || clickhouse.dirty || prisma.running; }
  // "Prisma runs 20260723150000_drop_traces; ClickHouse is at 38, half-way"
  std::string progress() const;
};

// Throws common::CheckFailed or common::ServiceDown when one of the two cannot be asked.
Schema read_schema(const Settings& settings, const common::Deadline& deadline);

// Findings for both servers' time zones.
void judge_timezones(const Settings& settings, const common::Deadline& deadline,
                     common::Result& result);

// Findings for migrations that were left half-done; with those, langfuse-web does not start.
void judge_half_done(const Schema& schema, common::Result& result);

}  // namespace fbx::langfuse
