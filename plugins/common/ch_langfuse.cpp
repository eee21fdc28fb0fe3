// SPDX-License-Identifier: Apache-2.0
#include "common/ch_langfuse.hpp"

#include <fmt/format.h>

#include <cstdlib>

namespace fbx::clickhouse {

using common::Severity;

SchemaReading read_schema(Client& client, std::string_view database) {
  const Answer table = client.must(fmt::format(
      "SELECT name FROM system.tables WHERE database = {} AND name = 'schema_migrations'",
      literal(database)));
  if (table.rows.empty()) return {};
  const Answer last = client.query(
      fmt::format("SELECT version, dirty FROM {}.schema_migrations ORDER BY sequence DESC LIMIT 1",
                  identifier(database)));
  if (last.error) return {std::nullopt, common::http_evidence(last.error->response)};
  if (last.rows.empty() || last.rows[0].size() < 2) return {};
  return {SchemaState{std::strtoll(last.rows[0][0].c_str(), nullptr, 10), last.rows[0][1] != "0"},
          std::nullopt};
}

void judge_schema(const SchemaReading& reading, common::Result& result) {
  if (reading.error) {
    result.add({Severity::warning,
                "cannot read schema_migrations",
                *reading.error,
                "give the user SELECT on that table",
                {}});
    return;
  }
  if (!reading.state) return;
  result.metric("schema_version", reading.state->version, "");
  if (!reading.state->dirty) return;
  result.add({Severity::error,
              "a schema migration stopped half-way: langfuse-web will not start",
              fmt::format("version {} is dirty", reading.state->version),
              fmt::format("see what of migration {} was applied, finish or revert it by hand, then "
                          "`migrate force`",
                          reading.state->version),
              {}});
}

void judge_timezone(const std::string& timezone, common::Result& result) {
  if (common::is_utc(timezone)) return;
  result.add({Severity::error,
              "the server's time zone is not UTC",
              fmt::format("timezone() is {}", timezone),
              "set <timezone>UTC</timezone> in config.d (container: TZ=UTC) and restart",
              {}});
}

}  // namespace fbx::clickhouse
