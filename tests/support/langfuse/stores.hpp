// SPDX-License-Identifier: Apache-2.0
// The stores the stand-in really talks to. Each call is a connection of its own and throws Failure.
#pragma once

#include "support/langfuse/environment.hpp"

#include <memory>

struct pg_conn;

namespace stand_in {

class Postgres {
 public:
  explicit Postgres(const Settings& settings);
  // The first value of the first row, or "".
  std::string query(const std::string& sql);

 private:
  std::unique_ptr<pg_conn, void (*)(pg_conn*)> connection_;
};

// One statement through ClickHouse's HTTP port; its answer without the last line break.
std::string clickhouse(const Settings& settings, const std::string& sql);

// AUTH and PING.
void redis_ping(const Settings& settings);

}  // namespace stand_in
