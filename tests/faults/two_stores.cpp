// SPDX-License-Identifier: Apache-2.0
#include "faults/two_stores.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

namespace fusebox::test {

namespace {

constexpr const char* kBackups = R"(
[plugins.snapshot-postgres]
password = { secret = "POSTGRES_PASSWORD" }

[plugins.snapshot-redis]
port_variable = "REDIS_PORT"

[plugins.backup-local]
folder = "backups"
min_free = 0

[plugins.backup]
use = "backup-generations"

[phases.up]
on_failure = "undo"
steps = ["runtime-process.up"]

[phases.restore]
on_failure = "undo"
steps = [
  "secrets-file.resolve",
  "backup.prepare",
  { step = "backup.create", with = { safety = true, pin = "before a restore" } },
  "backup.stage",
  { step = "runtime-process.stop", with = { services = ["redis"] } },
  "backup.swap",
  { step = "runtime-process.start", with = { services = ["redis"] } },
  [{ step = "probe-redis.check", with = { wait = "20s" } }, { step = "probe-postgres.check", with = { wait = "20s" } }],
  "backup.compare",
  "backup.settle",
]

[commands.psql]
service = "postgres"
command = ["psql"]
environment = { PGPASSWORD = { secret = "POSTGRES_PASSWORD" } }
)";

}  // namespace

TwoStores::TwoStores() : TwoServers(kBackups) {
  must({"deploy"});
  sql("CREATE TABLE project (id int PRIMARY KEY, name text NOT NULL);"
      "CREATE TABLE trace (id serial PRIMARY KEY, project int NOT NULL REFERENCES project, v text);"
      "INSERT INTO project SELECT g, 'project ' || g FROM generate_series(1, 50) g;"
      "INSERT INTO trace (project, v) SELECT 1 + g % 50, md5(g::text) FROM generate_series(1, "
      "2000) g");
  redis({"mset", "one", "1", "two", "2", "three", "3"});
  capture_at_once();
}

std::string TwoStores::must(const std::vector<std::string>& args) const {
  const Ended ended = (*this)(args);
  INFO(ended.all());
  REQUIRE(ended.exit_code == 0);
  return ended.out;
}

std::string TwoStores::sql(const std::string& text) const {
  return must({"psql", "--", "-v", "ON_ERROR_STOP=1", "-Atqc", text, "postgres"});
}

std::string TwoStores::redis(std::vector<std::string> words) const {
  words.insert(words.begin(), {"redis-cli", "--", "-e"});
  return must(words);
}

void TwoStores::capture_at_once() const {
  redis({"config", "set", "repl-diskless-sync-delay", "0"});
}

std::string TwoStores::data() const {
  return sql("SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_stat_user_tables;"
             "SELECT count(*), sum(hashtext(p::text)::bigint) FROM project p;"
             "SELECT count(*), sum(hashtext(t::text)::bigint) FROM trace t;"
             "SELECT last_value FROM trace_id_seq") +
         redis({"eval",
                "local all = redis.call('keys', '*') table.sort(all) local text = '' for _, key in "
                "ipairs(all) do text = text .. key .. '=' .. redis.call('get', key) .. ' ' end "
                "return text",
                "0"});
}

void TwoStores::use_on() const {
  sql("DELETE FROM trace WHERE id <= 1000; UPDATE project SET name = 'renamed' WHERE id = 7;"
      "INSERT INTO project VALUES (1000, 'new'); CREATE TABLE later (id int PRIMARY KEY)");
  redis(
      {"eval", "redis.call('del', 'one') redis.call('mset', 'two', 'changed', 'four', '4')", "0"});
}

void TwoStores::check_tidy() const {
  CHECK(sql("SELECT datname FROM pg_database ORDER BY 1") == "postgres\ntemplate0\ntemplate1\n");
  for (const auto& path : beside_volumes(*this, "fbx")) CHECK(path == "left beside a volume");
}

std::vector<std::string> TwoStores::generations() const {
  std::vector<std::string> names;
  const auto listed = json({"backup", "list"});
  for (const auto& one : listed.at("generations").as_array()) {
    CHECK(one.at("problem").is_null());
    names.emplace_back(one.at("generation").as_string());
  }
  return names;
}

}  // namespace fusebox::test
