// SPDX-License-Identifier: Apache-2.0
// SQL through the servers' own clients, so that no line of the code under test is used; and the
// tables in which Langfuse records its migrations.
#pragma once

#include <string>

#include "support/servers.hpp"

namespace fusebox::test {

// Both fail the test when the server refuses a statement. `database` must exist.
void sql(const PostgresServer& server, const std::string& text,
         const std::string& database = "postgres");
void sql(const ClickHouseServer& server, const std::string& text);

// As Prisma and Langfuse's schema have them.
inline const char* const prisma_table =
    "CREATE TABLE _prisma_migrations (id text PRIMARY KEY, checksum text, finished_at timestamptz, "
    "migration_name text, logs text, rolled_back_at timestamptz, started_at timestamptz DEFAULT "
    "now(), applied_steps_count int)";
inline const char* const background_table =
    "CREATE TABLE background_migrations (id text PRIMARY KEY, name text, script text, args jsonb, "
    "state jsonb, finished_at timestamp, failed_at timestamp, failed_reason text, worker_id text, "
    "locked_at timestamp)";
// golang-migrate's, in an engine that it can be asked for.
inline const char* const schema_table =
    "CREATE TABLE default.schema_migrations (version Int64, dirty UInt8, sequence UInt64) "
    "ENGINE = TinyLog";

}  // namespace fusebox::test
