// SPDX-License-Identifier: Apache-2.0
#include "server.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <cstdlib>
#include <set>
#include <sstream>

#include "common/json.hpp"
#include "common/result.hpp"

namespace fbx::snapshot {

namespace {

namespace json = boost::json;

// Settings of statements that define data, where a server has them. Their meaning, in order: a drop
// returns when the room is free; drops know no limit of size; tables may move although others name
// them; a database may have the engine that another one has; statements may be long.
const std::map<std::string, std::string>& wanted_settings() {
  static const std::map<std::string, std::string> settings = {
      {"database_atomic_wait_for_drop_and_detach_synchronously", "1"},
      {"max_table_size_to_drop", "0"},
      {"check_table_dependencies", "0"},
      {"allow_deprecated_database_ordinary", "1"},
      {"max_query_size", "268435456"}};
  return settings;
}

// Newer clients end with the statement that failed, which may be long, and hold what is nobody's
// business.
std::string reason(const std::string& err) {
  for (const std::string& line : lines_of(err))
    if (line.find("DB::Exception") != std::string::npos) return common::one_line(line);
  return common::last_line(err);
}

}  // namespace

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

Server::Server(const Op& op, const json::object& config)
    : op_(op), config_(config), service_(common::need_text(config, "service")) {
  if (const auto* list = common::array_at(config, "databases"))
    for (const json::value& item : *list) listed_.emplace_back(item.as_string());
}

common::Program Server::beside(std::vector<std::string> command) const {
  return {service_, std::move(command), {}, {}, -1};
}

std::string Server::run(std::vector<std::string> command, const std::string& doing,
                        std::string stdin_text) const {
  common::Program program = beside(std::move(command));
  program.stdin_text = std::move(stdin_text);
  auto finished = common::run_beside(op_, program);
  common::require_success(finished, fmt::format("{} beside {}", doing, service_));
  return std::move(finished.out);
}

std::string Server::query(const std::string& sql) const {
  common::Program program = beside({});
  for (const json::value& word : *common::array_at(config_, "client"))
    program.command.emplace_back(word.as_string());
  program.command.emplace_back("--multiquery");
  if (const auto user = common::text_at(config_, "user")) {
    program.command.emplace_back("--user");
    program.command.push_back(*user);
  }
  if (const auto password = common::secret_at(config_, "password"))
    program.environment["CLICKHOUSE_PASSWORD"] = json::object{{"$secret", *password}};
  // Through stdin: it may be long, and arguments are seen by everybody.
  program.stdin_text = sql + ";\n";
  auto finished = common::run_beside(op_, program);
  if (finished.exit_code != 0)
    throw Error(FBX_IO, fmt::format("ClickHouse refused: {}", reason(finished.err)),
                "check the server, the role and its password: `fusebox health`");
  return std::move(finished.out);
}

void Server::execute(const std::vector<std::string>& statements) const {
  if (statements.empty()) return;
  query(fmt::format("{}{}{}", fmt::join(features().preface, ";\n"),
                    features().preface.empty() ? "" : ";\n", fmt::join(statements, ";\n")));
}

bool Server::wants(std::string_view database) const {
  static const std::set<std::string_view> system = {
      "system", "INFORMATION_SCHEMA", "information_schema", "_temporary_and_external_tables"};
  if (system.contains(database) || database.starts_with(kOwnPrefix)) return false;
  return listed_.empty() || std::find(listed_.begin(), listed_.end(), database) != listed_.end();
}

std::string Server::wanted() const {
  if (listed_.empty())
    return fmt::format(
        "(database NOT IN ('system', 'INFORMATION_SCHEMA', 'information_schema', "
        "'_temporary_and_external_tables') AND substring(database, 1, {}) != '{}')",
        kOwnPrefix.size(), kOwnPrefix);
  std::vector<std::string> names;
  for (const std::string& name : listed_) names.push_back(literal(name));
  return fmt::format("database IN ({})", fmt::join(names, ", "));
}

const Server::Features& Server::features() const {
  if (features_) return *features_;
  std::vector<std::string> names;
  for (const auto& [name, value] : wanted_settings()) names.push_back(literal(name));
  Features found;
  for (const std::string& line : lines_of(query(
           fmt::format("SELECT name FROM system.columns WHERE database = 'system' AND table = "
                       "'tables' AND name IN ('data_paths', 'uuid');\n"
                       "SELECT name FROM system.settings WHERE name IN ({})",
                       fmt::join(names, ", "))))) {
    if (line == "data_paths")
      found.path = line;
    else if (line == "uuid")
      found.uuid = "toString(uuid)";
    else if (const auto setting = wanted_settings().find(line); setting != wanted_settings().end())
      found.preface.push_back(fmt::format("SET {} = {}", line, setting->second));
  }
  return features_.emplace(std::move(found));
}

Contents Server::contents(const std::string& condition) const {
  // One call, for a client takes longer to start than to ask.
  const std::string answer = query(fmt::format(
      "SELECT name AS database, engine AS database_engine FROM system.databases WHERE {0} FORMAT "
      "JSONEachRow;\n"
      "SELECT database, name, engine, create_table_query, {1} AS table_path, {2} AS table_uuid "
      "FROM "
      "system.tables WHERE {0} AND NOT is_temporary ORDER BY database, name FORMAT JSONEachRow;\n"
      "SELECT database, table, toString(sum(rows)) AS all_rows FROM system.parts WHERE {0} AND "
      "active "
      "GROUP BY database, table FORMAT JSONEachRow",
      condition, features().path, features().uuid));
  Contents contents;
  std::map<std::pair<std::string, std::string>, std::int64_t> rows;
  for (const std::string& line : lines_of(answer)) {
    const auto row = common::parse_object(line, "what ClickHouse answers", FBX_IO);
    if (const auto engine = common::text_at(row, "database_engine"))
      contents.databases[common::need_text(row, "database")] = *engine;
    else if (const auto sum = common::text_at(row, "all_rows"))
      rows[{common::need_text(row, "database"), common::need_text(row, "table")}] =
          std::strtoll(sum->c_str(), nullptr, 10);
    else
      contents.tables.push_back(parse_table(row));
  }
  for (Table& table : contents.tables) table.rows = rows[{table.database, table.name}];
  return contents;
}

}  // namespace fbx::snapshot
