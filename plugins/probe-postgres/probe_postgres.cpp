// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdlib>

#include "common/disk.hpp"
#include "common/pg_langfuse.hpp"
#include "common/probe.hpp"

namespace fbx::postgres {

namespace {

using common::CheckFailed;
using common::Deadline;
using common::Endpoint;
using common::Result;
using common::Retry;
using common::Severity;

// One round trip for all that can be asked of any server. pg_stat_database instead of
// pg_stat_activity: any role sees all of it.
constexpr const char* facts_sql = R"(
SELECT current_setting('server_version'),
       tz.setting, tz.source,
       pg_is_in_recovery()::int,
       (current_setting('default_transaction_read_only') = 'on')::int,
       current_setting('max_connections'),
       (SELECT sum(numbackends) FROM pg_stat_database),
       pg_database_size(current_database())
FROM pg_settings tz WHERE tz.name = 'TimeZone')";

struct Facts {
  std::string version;
  std::string timezone;
  std::string timezone_source;
  bool in_recovery = false;
  bool read_only = false;
  std::int64_t max_connections = 0;
  std::int64_t connections = 0;
  std::int64_t database_size = 0;
};

std::int64_t number(const std::optional<std::string>& cell) {
  return cell ? std::strtoll(cell->c_str(), nullptr, 10) : 0;
}

CheckFailed refused(const std::string& who, const QueryError& error) {
  return {Retry::no, fmt::format("{} refused a query", who),
          fmt::format("{} (SQLSTATE {})", error.text, error.state),
          "check that the role may read the catalogs, and see the server's log"};
}

Facts read_facts(Client& client, const std::string& who) {
  const Answer answer = client.query(facts_sql);
  if (answer.error) throw refused(who, *answer.error);
  if (answer.rows.size() != 1 || answer.rows[0].size() != 8)
    throw refused(who, {"", "an answer of a wrong shape"});
  const Row& row = answer.rows[0];
  Facts facts;
  facts.version = row[0].value_or("");
  facts.timezone = row[1].value_or("");
  facts.timezone_source = row[2].value_or("");
  facts.in_recovery = number(row[3]) != 0;
  facts.read_only = number(row[4]) != 0;
  facts.max_connections = number(row[5]);
  facts.connections = number(row[6]);
  facts.database_size = number(row[7]);
  return facts;
}

// "15.18 (Debian 15.18-1.pgdg120+1)" -> "15.18"
std::string short_version(const std::string& version) {
  return version.substr(0, version.find(' '));
}

}  // namespace

class ProbePostgres final : public common::Probe {
 public:
  explicit ProbePostgres(std::string_view context) : Probe(context, "PostgreSQL", 5432) {}

 protected:
  std::string intent() const override {
    return "log in, run a query, judge version, time zone, connections and migrations";
  }

  void check(const Deadline& deadline, const Endpoint& endpoint, Result& result) override {
    const std::string name = who(endpoint);
    const Login login{common::need_text(config(), "user"), common::need_text(config(), "database"),
                      common::need_text(config(), "sslmode"), secret_of(deadline.op(), "password")};
    Client client(endpoint, login, deadline, name);

    const common::Stopwatch watch;
    const Answer one = client.query("SELECT 1");
    const double latency = watch.ms();
    if (one.error) throw refused(name, *one.error);
    if (one.rows != std::vector<Row>{{"1"}}) throw refused(name, {"", "SELECT 1 did not answer 1"});
    judge_latency(latency, endpoint, result);

    const Facts facts = read_facts(client, name);
    judge_version(facts, result);
    if (common::need_text(config(), "timezone") != "any")
      judge_timezone(facts.timezone, facts.timezone_source, result);
    judge_writable(facts, result);
    judge_connections(facts, result);
    result.metric("database_size", facts.database_size, "B");
    if (common::need_boolean(config(), "migrations")) judge_migrations(client, name, result);
    common::judge_data_path(config(), result);
    summarize(short_version(facts.version), latency, endpoint, result);
  }

 private:
  void judge_version(const Facts& facts, Result& result) const {
    const std::string want = common::need_text(config(), "min_version");
    if (common::version_at_least(facts.version, want)) return;
    result.add({Severity::warning,
                "the server is too old for Langfuse",
                fmt::format("version {}, wanted {} or newer", short_version(facts.version), want),
                "dump, then restore into a server of a newer major version",
                {}});
  }

  static void judge_writable(const Facts& facts, Result& result) {
    if (facts.in_recovery)
      result.add({Severity::error,
                  "the server is a standby: it takes no writes",
                  "pg_is_in_recovery() is true",
                  "point the stack at the primary, or promote it",
                  {}});
    else if (facts.read_only)
      result.add({Severity::error,
                  "the server takes no writes by default",
                  "default_transaction_read_only is on",
                  "set it off for this database, once what turned it on is mended",
                  {}});
  }

  void judge_connections(const Facts& facts, Result& result) const {
    result.metric("connections", facts.connections, "");
    result.metric("max_connections", facts.max_connections, "");
    if (facts.max_connections == 0) return;
    const double percent =
        100 * static_cast<double>(facts.connections) / static_cast<double>(facts.max_connections);
    if (percent < common::need_number(config(), "connections_warn_percent")) return;
    result.add({Severity::warning,
                "connections are running out",
                fmt::format("{} of {} in use", facts.connections, facts.max_connections),
                "raise max_connections, or lower connection_limit in Langfuse's DATABASE_URL",
                {}});
  }

  static void judge_migrations(Client& client, const std::string& name, Result& result) {
    const auto [tables, error] = read_tables(client);
    if (error) throw refused(name, *error);
    if (tables.background) judge_background(read_background(client), Severity::warning, result);
    if (tables.prisma) judge_prisma(read_prisma(client), result);
  }
};

}  // namespace fbx::postgres

FUSEBOX_PLUGIN(fbx::postgres::ProbePostgres)
