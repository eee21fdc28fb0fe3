// SPDX-License-Identifier: Apache-2.0
#include "schema.hpp"

#include <fmt/format.h>

namespace fbx::langfuse {

namespace {

using common::CheckFailed;
using common::Deadline;
using common::Endpoint;
using common::Result;
using common::Retry;

Secret password_of(const Op& op, const json::object& table) {
  const auto name = common::secret_at(table, "password");
  return name ? op.secret(*name) : Secret{};
}

struct Postgres {
  std::string who;
  postgres::Client client;
};

Postgres open_postgres(const Settings& settings, const Deadline& deadline) {
  const json::object& table = settings.postgres;
  const Endpoint endpoint = locate(deadline.op(), table);
  const std::string who = fmt::format("PostgreSQL at {}", endpoint.text());
  const postgres::Login login{
      common::need_text(table, "user"), common::need_text(table, "database"),
      common::need_text(table, "sslmode"), password_of(deadline.op(), table)};
  return {who, postgres::Client(endpoint, login, deadline, who)};
}

clickhouse::Client open_clickhouse(const Settings& settings, const Deadline& deadline) {
  const json::object& table = settings.clickhouse;
  const Endpoint endpoint = locate(deadline.op(), table);
  return {endpoint.url(common::need_boolean(table, "tls") ? "https" : "http"),
          common::need_text(table, "user"), password_of(deadline.op(), table), deadline,
          fmt::format("ClickHouse at {}", endpoint.text())};
}

template <class T>
T must(const std::string& who, const char* what, postgres::Reading<T> reading) {
  if (reading.error)
    throw CheckFailed(Retry::no, fmt::format("cannot read {} in {}", what, who),
                      reading.error->text, "give the role SELECT on Langfuse's own tables");
  return std::move(reading.value);
}

}  // namespace

std::string SchemaVersion::text() const {
  return is_none() ? "no schema yet"
                   : fmt::format("{} Prisma migrations, ClickHouse schema {}", prisma, clickhouse);
}

json::object to_json(const SchemaVersion& version) {
  return {{"prisma_migrations", version.prisma},
          {"prisma_last", version.prisma_last},
          {"clickhouse_schema", version.clickhouse}};
}

SchemaVersion schema_version_from(const json::object& object) {
  return {common::integer_at(object, "prisma_migrations").value_or(0),
          common::text_at(object, "prisma_last").value_or(""),
          common::integer_at(object, "clickhouse_schema").value_or(0)};
}

SchemaVersion Schema::version() const { return {prisma.applied, prisma.last, clickhouse.version}; }

std::string Schema::progress() const {
  std::string text = fmt::format("Prisma has {} migrations", prisma.applied);
  if (!prisma.open.empty())
    text += fmt::format(" and {} {}", prisma.failed ? "failed in" : "runs", prisma.open);
  else if (prisma.running)
    text += " and is at work";
  if (clickhouse.version != 0)
    text += fmt::format("; ClickHouse is at {}{}", clickhouse.version,
                        clickhouse.dirty ? ", half-way" : "");
  return text;
}

Schema read_schema(const Settings& settings, const Deadline& deadline) {
  Schema schema;
  Postgres server = open_postgres(settings, deadline);
  const auto tables = must(server.who, "the catalog", postgres::read_tables(server.client));
  if (tables.prisma)
    schema.prisma = must(server.who, "_prisma_migrations", postgres::read_prisma(server.client));
  if (tables.background)
    schema.background =
        must(server.who, "background_migrations", postgres::read_background(server.client));
  clickhouse::Client client = open_clickhouse(settings, deadline);
  const auto reading =
      clickhouse::read_schema(client, common::need_text(settings.clickhouse, "database"));
  if (reading.error)
    throw CheckFailed(Retry::no, "cannot read schema_migrations in ClickHouse", *reading.error,
                      "give the user SELECT on that table");
  schema.clickhouse = reading.state.value_or(clickhouse::SchemaState{});
  return schema;
}

void judge_timezones(const Settings& settings, const Deadline& deadline, Result& result) {
  Postgres server = open_postgres(settings, deadline);
  const postgres::Answer zone =
      server.client.query("SELECT setting, source FROM pg_settings WHERE name = 'TimeZone'");
  if (!zone.rows.empty())
    postgres::judge_timezone(zone.rows[0][0].value_or(""), zone.rows[0][1].value_or(""), result);
  const auto answer = open_clickhouse(settings, deadline).must("SELECT timezone()");
  if (!answer.rows.empty()) clickhouse::judge_timezone(answer.rows[0][0], result);
}

void judge_half_done(const Schema& schema, Result& result) {
  postgres::judge_prisma({schema.prisma, std::nullopt}, result);
  clickhouse::judge_schema({schema.clickhouse, std::nullopt}, result);
}

}  // namespace fbx::langfuse
