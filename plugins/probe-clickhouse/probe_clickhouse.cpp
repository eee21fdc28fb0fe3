// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "common/ch_langfuse.hpp"
#include "common/disk.hpp"
#include "common/http_probe.hpp"

namespace fbx::clickhouse {

namespace {

using common::CheckFailed;
using common::Deadline;
using common::Endpoint;
using common::Result;
using common::Retry;
using common::Severity;

// trace_log, query_log_0, ...: the server's own, which have no end unless configured.
constexpr const char* log_tables_sql =
    "SELECT table, sum(bytes_on_disk) AS bytes FROM system.parts WHERE active AND "
    "database = 'system' AND match(table, '_log(_[0-9]+)?$') GROUP BY table ORDER BY bytes DESC";
constexpr const char* data_sql =
    "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database != 'system'";
// The one with the least space comes last: its figures become the metrics.
constexpr const char* disks_sql =
    "SELECT name, free_space, total_space FROM system.disks WHERE total_space > 0 AND "
    "total_space < 1e18 ORDER BY free_space DESC";
constexpr const char* readonly_sql =
    "SELECT concat(database, '.', table) FROM system.replicas WHERE is_readonly = 1 ORDER BY 1";

// Langfuse reads query_log, and the two others tell why a server failed: they get an end, the rest
// can go.
std::string shrink_remedy(const std::string& table) {
  constexpr std::array kept{"query_log", "part_log", "error_log"};
  if (std::find(kept.begin(), kept.end(), table) != kept.end())
    return fmt::format(
        "in a config.d file, <{0}><ttl>event_date + INTERVAL 7 DAY</ttl></{0}>; then TRUNCATE "
        "TABLE system.{0}",
        table);
  return fmt::format("in a config.d file, <{0} remove=\"1\"/>; then DROP TABLE system.{0}", table);
}

double number(const std::string& text) { return std::strtod(text.c_str(), nullptr); }

bool has(const Answer& answer, std::string_view word) {
  return std::any_of(answer.rows.begin(), answer.rows.end(),
                     [&](const Row& row) { return row.front() == word; });
}

}  // namespace

class ProbeClickHouse final : public common::Probe {
 public:
  explicit ProbeClickHouse(std::string_view context) : Probe(context, "ClickHouse", 8123) {}

 protected:
  std::string intent() const override {
    return "log in, run a query, judge time zone, system logs, disks, replicas and migrations";
  }

  void check(const Deadline& deadline, const Endpoint& endpoint, Result& result) override {
    const std::string name = who(endpoint);
    Client client(endpoint.url(common::need_boolean(config(), "tls") ? "https" : "http"),
                  common::need_text(config(), "user"), secret_of(deadline.op(), "password"),
                  deadline, name);
    const Answer one = client.must("SELECT 1");
    if (one.rows != std::vector<Row>{{"1"}})
      throw CheckFailed(Retry::no, fmt::format("{} does not answer like ClickHouse", name),
                        "SELECT 1 did not answer 1",
                        "check that port is the HTTP port (8123) of a ClickHouse server");
    judge_latency(one.ms, endpoint, result);

    const Answer facts = client.must("SELECT version(), timezone()");
    if (facts.rows.size() != 1 || facts.rows[0].size() != 2)
      throw CheckFailed(Retry::no, fmt::format("{} does not answer like ClickHouse", name),
                        "version() and timezone() gave another shape",
                        "check that port is the HTTP port (8123) of a ClickHouse server");
    const std::string version = facts.rows[0][0];
    judge_version(version, result);
    if (common::need_text(config(), "timezone") != "any") judge_timezone(facts.rows[0][1], result);
    judge_system_logs(client, result);
    // Which of these exist depends on the server's version.
    const Answer tables = client.must(
        "SELECT name FROM system.tables WHERE database = 'system' AND name IN ('disks', "
        "'replicas')");
    if (has(tables, "disks"))
      judge_disks(client, result);
    else
      common::judge_data_path(config(), result);
    if (has(tables, "replicas")) judge_replicas(client, result);
    judge_database(client, result);
    summarize(version, one.ms, endpoint, result);
  }

 private:
  void judge_version(const std::string& version, Result& result) const {
    const auto want = common::text_at(config(), "min_version");
    if (!want || common::version_at_least(version, *want)) return;
    result.add({Severity::warning,
                "the server is too old for the Langfuse version in use",
                fmt::format("version {}, wanted {} or newer", version, *want),
                "update ClickHouse first, one long-term release after the other, then Langfuse",
                {}});
  }

  void judge_system_logs(Client& client, Result& result) const {
    const Answer logs = client.must(log_tables_sql);
    const Answer rest = client.must(data_sql);
    double log_bytes = 0;
    for (const Row& row : logs.rows) log_bytes += number(row.back());
    const double data_bytes = rest.rows.empty() ? 0 : number(rest.rows[0][0]);
    result.metric("system_log_bytes", static_cast<std::int64_t>(log_bytes), "B");
    result.metric("data_bytes", static_cast<std::int64_t>(data_bytes), "B");
    const auto limit = static_cast<double>(common::need_integer(config(), "system_log_limit"));
    if (log_bytes <= limit || log_bytes <= data_bytes) return;
    result.add({Severity::warning,
                "the server's own logs take more room than the data",
                fmt::format("{} of logs, {} of data; the largest is system.{} with {}",
                            common::human_size(log_bytes), common::human_size(data_bytes),
                            logs.rows[0][0], common::human_size(number(logs.rows[0].back()))),
                shrink_remedy(logs.rows[0][0]),
                {}});
  }

  void judge_disks(Client& client, Result& result) const {
    for (const Row& row : client.must(disks_sql).rows)
      common::judge_space(
          {static_cast<std::uint64_t>(number(row[1])), static_cast<std::uint64_t>(number(row[2]))},
          common::disk_limits(config()), fmt::format("disk {}", row[0]), result);
  }

  static void judge_replicas(Client& client, Result& result) {
    const Answer answer = client.must(readonly_sql);
    if (answer.rows.empty()) return;
    result.add({Severity::error,
                "tables are read-only: they lost their keeper",
                fmt::format("{} of them, the first is {}", answer.rows.size(), answer.rows[0][0]),
                "bring ClickHouse Keeper back, then SYSTEM RESTART REPLICA for each",
                {}});
  }

  void judge_database(Client& client, Result& result) const {
    const std::string database = common::need_text(config(), "database");
    const Answer found = client.must(
        fmt::format("SELECT name FROM system.databases WHERE name = {}", literal(database)));
    if (found.rows.empty()) {
      result.add({Severity::error,
                  fmt::format("there is no database {}", database),
                  "system.databases does not list it",
                  "create it, or set the probe's database to the one that Langfuse uses",
                  {}});
      return;
    }
    if (common::need_boolean(config(), "migrations"))
      judge_schema(read_schema(client, database), result);
  }
};

}  // namespace fbx::clickhouse

FUSEBOX_PLUGIN(fbx::clickhouse::ProbeClickHouse)
