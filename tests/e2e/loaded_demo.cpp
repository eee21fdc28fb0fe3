// SPDX-License-Identifier: Apache-2.0
#include "e2e/loaded_demo.hpp"

#include "support/search.hpp"
#include "support/skip.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json.hpp>

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <fstream>
#include <sstream>

namespace fusebox::test {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

// What a person types to work with the stores.
constexpr const char* tools = R"(
[commands.pg-tool]
service = "postgres"
command = ["sh", "-c", 'exec "$@"', "pg-tool"]
environment = { PGPASSWORD = { secret = "POSTGRES_PASSWORD" } }
)";

std::string value_in(const fs::path& file, const std::string& name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(name + "='"))
      return line.substr(name.size() + 2, line.rfind('\'') - name.size() - 2);
  return {};
}

}  // namespace

void skip_unless_complete() {
  const auto missing = DemoStack::missing();
  if (missing.empty()) return;
  skip_program(fmt::format("{}", fmt::join(missing, "; ")));
}

LoadedDemo::LoadedDemo(const std::function<std::string(std::string)>& edit) {
  const fs::path file = box_ / "fusebox.toml";
  std::string text = slurp(file) + tools;
  if (edit) text = edit(text);
  std::ofstream(file) << text;
  must({"deploy"});
  std::string port;
  const auto services = json({"ps"});
  for (const auto& service : services.at("services").as_array())
    if (service.at("name") == "minio")
      for (const auto& one : service.at("ports").as_array())
        if (one.at("name") == "api") port = std::to_string(one.at("port").to_number<int>());
  alias_ = fmt::format("http://{}:{}@127.0.0.1:{}", value_in(box_ / "demo/.env", "MINIO_ROOT_USER"),
                       value_in(box_ / "demo/.env", "MINIO_ROOT_PASSWORD"), port);
  sql("CREATE TABLE project (id int PRIMARY KEY, name text NOT NULL);"
      "CREATE TABLE trace (id serial PRIMARY KEY, project int NOT NULL REFERENCES project, v text);"
      "INSERT INTO project SELECT g, 'project ' || g FROM generate_series(1, 50) g;"
      "INSERT INTO trace (project, v) SELECT 1 + g % 50, md5(g::text) FROM generate_series(1, "
      "5000) g");
  clickhouse(
      "CREATE DATABASE lf; CREATE TABLE lf.traces (id UInt64, v String, d Date DEFAULT "
      "'2026-11-24') ENGINE = MergeTree PARTITION BY toYYYYMM(d) ORDER BY id; INSERT INTO "
      "lf.traces (id, v) SELECT number, toString(number * 7) FROM numbers(100000)");
  for (int i = 0; i < 20; ++i)
    must({"redis-cli", "--", "set", fmt::format("key{}", i), fmt::format("value{}", i)});
  mc({"mb", "--quiet", "demo/langfuse"});
  for (int i = 0; i < 5; ++i)
    mc({"pipe", "--quiet", fmt::format("demo/langfuse/events/{}.json", i)},
       fmt::format("{{\"event\":{}}}", i));
}

std::string LoadedDemo::must(const std::vector<std::string>& args,
                             const std::string& stdin_text) const {
  const Ended ended = (*this)(args, stdin_text);
  INFO(ended.all());
  REQUIRE(ended.exit_code == 0);
  return ended.out;
}

std::string LoadedDemo::sql(const std::string& text, const std::string& database) const {
  return must({"pg-tool", "--", "psql", "-v", "ON_ERROR_STOP=1", "-Atqc", text, database});
}

std::string LoadedDemo::clickhouse(const std::string& text) const {
  return must({"clickhouse-shell", "--", "--multiquery", "-q", text});
}

std::string LoadedDemo::mc(const std::vector<std::string>& args,
                           const std::string& stdin_text) const {
  std::vector<std::string> command = {"env", "mc"};  // env looks in the PATH that the call gets
  command.insert(command.end(), args.begin(), args.end());
  CallOptions options;
  options.environment = environment_;
  options.environment["MC_HOST_demo"] = alias_;
  options.stdin_text = stdin_text;
  const Ended ended = box_.program(command, options);
  INFO(ended.all());
  REQUIRE(ended.exit_code == 0);
  return ended.out;
}

std::string LoadedDemo::data() const {
  std::string text =
      sql("SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_stat_user_tables;"
          "SELECT count(*), sum(hashtext(p::text)::bigint) FROM project p;"
          "SELECT count(*), sum(hashtext(t::text)::bigint) FROM trace t;"
          "SELECT last_value FROM trace_id_seq");
  text += clickhouse(
      "SELECT database, name FROM system.tables WHERE database NOT IN ('system', "
      "'_temporary_and_external_tables') AND database NOT LIKE 'fbx%' ORDER BY database, name; "
      "SELECT count(), "
      "sum(cityHash64(id, v, d)) FROM lf.traces");
  std::istringstream keys(must({"redis-cli", "--", "--raw", "keys", "*"}));
  std::vector<std::string> names;
  for (std::string line; std::getline(keys, line);)
    if (!line.empty()) names.push_back(line);
  std::sort(names.begin(), names.end());
  std::vector<std::string> get = {"redis-cli", "--", "--raw", "mget"};
  get.insert(get.end(), names.begin(), names.end());
  text += fmt::format("{}\n", fmt::join(names, " ")) + (names.empty() ? "" : must(get));
  std::istringstream objects(mc({"find", "demo/langfuse", "--name", "*.json"}));
  names.clear();
  for (std::string line; std::getline(objects, line);) names.push_back(line);
  std::sort(names.begin(), names.end());
  for (const auto& name : names) text += name + " " + mc({"cat", name}) + "\n";
  return text;
}

void LoadedDemo::use_on() const {
  sql("DELETE FROM trace WHERE id <= 1000; UPDATE project SET name = 'renamed' WHERE id = 7;"
      "INSERT INTO project VALUES (1000, 'new'); CREATE TABLE later (id int PRIMARY KEY)");
  clickhouse(
      "INSERT INTO lf.traces (id, v) SELECT number + 1000000, 'new' FROM numbers(500); CREATE "
      "TABLE lf.later (id UInt64) ENGINE = MergeTree ORDER BY id");
  must({"redis-cli", "--", "set", "key3", "changed"});
  must({"redis-cli", "--", "del", "key4"});
  mc({"rm", "--quiet", "demo/langfuse/events/1.json"});
  mc({"pipe", "--quiet", "demo/langfuse/events/new.json"}, "{}");
}

void LoadedDemo::destroy() const {
  sql("DROP TABLE trace, project");
  clickhouse("DROP DATABASE lf");
  must({"redis-cli", "--", "flushall"});
  mc({"rb", "--quiet", "--force", "demo/langfuse"});
}

void LoadedDemo::check_tidy() const {
  CHECK(sql("SELECT datname FROM pg_database ORDER BY 1") == "postgres\ntemplate0\ntemplate1\n");
  CHECK_FALSE(contains(clickhouse("SHOW DATABASES"), "fbx"));
  for (const auto& path : beside_volumes(*this, "fbx")) CHECK(path == "left beside a volume");
}

fs::path LoadedDemo::backups() const { return box_.path() / "demo/backups/langfuse-demo"; }

json::array LoadedDemo::generations() const {
  return json({"backup", "list"}).at("generations").as_array();
}

std::string LoadedDemo::newest() const {
  return std::string(generations().at(0).at("generation").as_string());
}

pid_t LoadedDemo::spawn(const std::vector<std::string>& args) const {
  std::vector<std::string> words = {fusebox_program().string()};
  words.insert(words.end(), options_.begin(), options_.end());
  words.insert(words.end(), args.begin(), args.end());
  auto environment = box_.environment(environment_);
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::setpgid(0, 0);
  std::vector<char*> argv;
  std::vector<char*> envp;
  for (auto& word : words) argv.push_back(word.data());
  for (auto& one : environment) envp.push_back(one.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  if (::chdir(box_.path().c_str()) != 0) ::_exit(126);
  const int log = ::open("spawned.log", O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (::dup2(log, STDOUT_FILENO) < 0 || ::dup2(log, STDERR_FILENO) < 0) ::_exit(126);
  ::execve(argv[0], argv.data(), envp.data());
  ::_exit(127);
}

std::string LoadedDemo::spawned() const { return slurp(box_ / "spawned.log"); }

}  // namespace fusebox::test
