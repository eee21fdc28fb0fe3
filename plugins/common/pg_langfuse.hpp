// SPDX-License-Identifier: Apache-2.0
// What Langfuse needs of its PostgreSQL database, and what it keeps in it about itself: Prisma's
// schema migrations and its own background migrations.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/pg_client.hpp"
#include "common/result.hpp"

namespace fbx::postgres {

// Which of Langfuse's tables a database has.
struct LangfuseTables {
  bool prisma = false;
  bool background = false;
};

// Schema migrations, as `prisma migrate deploy` records them.
struct PrismaState {
  std::int64_t applied = 0;  // that are in effect
  std::string last;          // the newest of them
  std::string open;          // the one that has begun and not ended; "" when there is none
  std::string reason;        // why it failed, as far as Prisma wrote it down
  bool failed = false;       // the open one: it failed, or nobody is working on it any more
  bool running = false;      // somebody holds Prisma's lock: migrations are under way
};

// Migrations of data, which the worker makes beside its work. Dormant ones do not count.
struct BackgroundState {
  std::int64_t unfinished = 0;
  std::int64_t failed = 0;  // of those
  std::string first;        // the name of a failed one, else of an unfinished one
  std::string reason;       // why it failed
};

// `error` has the reason when the server refuses the query; the rest is then empty.
template <class T>
struct Reading {
  T value;
  std::optional<QueryError> error;
};

Reading<LangfuseTables> read_tables(Client& client);
// The table must exist.
Reading<PrismaState> read_prisma(Client& client);
Reading<BackgroundState> read_background(Client& client);

void judge_prisma(const Reading<PrismaState>& state, common::Result& result);
// A warning when there are unfinished ones; `severity` is for the moment before an update, where
// they must be done.
void judge_background(const Reading<BackgroundState>& state, common::Severity severity,
                      common::Result& result);

// `setting` and `source` as pg_settings has them.
void judge_timezone(const std::string& setting, const std::string& source, common::Result& result);

}  // namespace fbx::postgres
