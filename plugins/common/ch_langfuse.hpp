// SPDX-License-Identifier: Apache-2.0
// What Langfuse needs of its ClickHouse database, and what it keeps in it about itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/ch_client.hpp"
#include "common/result.hpp"

namespace fbx::clickhouse {

// golang-migrate's table: where the schema stands. `dirty` while a migration runs, and for good
// when it is killed in its middle.
struct SchemaState {
  std::int64_t version = 0;
  bool dirty = false;
};

// `error` has the reason when the table cannot be read; no `state`: there is no such table, or it
// has no row yet.
struct SchemaReading {
  std::optional<SchemaState> state;
  std::optional<std::string> error;
};

// Throws common::CheckFailed when the server does not answer.
SchemaReading read_schema(Client& client, std::string_view database);

void judge_schema(const SchemaReading& reading, common::Result& result);
void judge_timezone(const std::string& timezone, common::Result& result);

}  // namespace fbx::clickhouse
