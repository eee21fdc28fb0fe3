// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <random>
#include <sstream>

#include "common/beside.hpp"
#include "common/json.hpp"
#include "common/tar_walk.hpp"
#include "frozen.hpp"

namespace fbx::snapshot {

namespace {

namespace json = boost::json;
using common::need_text;

constexpr const char* hint = "check the server, the role and its password: `fusebox health`";

// The hard links of one capture, beside the service. They cost nothing at first, and disk once the
// server has merged the parts away, so they go at the end, and those of a capture that died go
// before the next.
constexpr std::string_view prefix = "fusebox_";

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

json::array tables_json(const std::vector<Table>& tables) {
  json::array list;
  for (const Table& table : tables)
    list.push_back({{"database", table.database},
                    {"name", table.name},
                    {"engine", table.engine},
                    {"folder", table.folder}});
  return list;
}

std::vector<Table> tables_from(const std::string& text) {
  boost::system::error_code error;
  const json::value list = json::parse(text, error);
  if (error || !list.is_array())
    throw Error(FBX_FAILED, "the capture has no readable tables.json", "use another generation");
  std::vector<Table> tables;
  for (const json::value& item : list.get_array()) {
    const json::object& object = item.as_object();
    tables.push_back({need_text(object, "database"), need_text(object, "name"),
                      need_text(object, "engine"), "", need_text(object, "folder"), ""});
  }
  return tables;
}

}  // namespace

class SnapshotClickhouse final : public Plugin, public Snapshot {
 public:
  explicit SnapshotClickhouse(std::string_view text) : context_(common::parse_context(text)) {}

  std::string sources(Op& op, std::string_view) override {
    const std::string file = fmt::format("{}.tar", service());
    const std::string size = query(
        op,
        fmt::format("SELECT toInt64(sum(bytes)) FROM system.parts WHERE active AND {}", wanted()));
    return json::serialize(json::object{
        {"sources",
         {{{"name", context_.instance},
           {"kind", "clickhouse"},
           {"file", file},
           {"service", service()},
           {"order", 200},
           {"pause", pauses()},
           {"bytes", std::strtoll(size.c_str(), nullptr, 10)},
           {"by_hand",
            {fmt::format("mkdir parts && zstd -dc {}.zst | tar -x -C parts", file),
             "clickhouse-client --multiquery < parts/schema.sql",
             "# for each table of parts/tables.json: copy the folders in parts/<folder> into",
             "# <the table's data_path of system.tables>/detached/, owned by the server's user, "
             "then",
             "# for each of them: ALTER TABLE <database>.<name> ATTACH PART '<folder>'"}}}}}});
  }

  std::string capture(Op& op, std::string_view, int fd) override {
    const auto tables = list_tables(op);
    const std::string version = lines_of(query(op, "SELECT version()")).at(0);
    json::array left_out;
    std::string root;
    for (const Table& table : tables) {
      if (table.keeps_data())
        left_out.emplace_back(fmt::format("{} ({})", table.full_name(), table.engine));
      if (table.root.empty()) continue;
      if (!root.empty() && root != table.root)
        throw Error(FBX_UNSUPPORTED, "the tables lie on several disks",
                    "use the server's own BACKUP for them");
      root = table.root;
    }
    json::object counts;
    if (root.empty()) {
      capture_schema(op, tables, fd);
    } else {
      capture_parts(op, tables, root, counts, fd);
    }
    return json::serialize(json::object{{"version", version},
                                        {"counts", counts},
                                        {"facts", json::object{{"way", "freeze"}}},
                                        {"left_out", left_out}});
  }

  void capture_parts(const Op& op, const std::vector<Table>& tables, const std::string& root,
                     json::object& counts, int fd) const {
    const Shadow shadow(*this, op, root);
    freeze(op, tables, shadow.name());
    for (const auto& [table, rows] : count(op, tables, shadow.folder())) counts[table] = rows;
    write(op, shadow.folder() + "/schema.sql", schema_sql(tables));
    write(op, shadow.folder() + "/tables.json", json::serialize(tables_json(tables)));
    const auto finished =
        common::stream_beside(op, beside({"tar", "-cf", "-", "-C", shadow.folder(), "."}), fd);
    common::require_success(finished, fmt::format("tar beside {}", service()));
  }

  // A server that has no table with parts yet.
  void capture_schema(const Op& op, const std::vector<Table>& tables, int fd) const {
    common::Program program = beside(
        {"sh", "-c",
         "d=$(mktemp -d) && cat > \"$d/schema.sql\" && printf '%s' \"$1\" > \"$d/tables.json\" && "
         "tar -cf - -C \"$d\" . ; s=$?; rm -rf \"$d\"; exit $s",
         "sh", json::serialize(tables_json(tables))});
    program.stdin_text = schema_sql(tables) + "\n";
    common::require_success(common::stream_beside(op, program, fd),
                            fmt::format("tar beside {}", service()));
  }

  std::string inspect(Op& op, std::string_view text, int fd) override {
    const auto request = common::parse_object(text, "the request to inspect a capture");
    Parts parts;
    std::string tables;
    std::string schema;
    common::TarWalk walk;
    walk.wants = [](const std::string& path) {
      return path == "tables.json" || path == "schema.sql" || path.ends_with("/count.txt");
    };
    walk.entry = [&](const common::TarEntry& entry) {
      if (entry.path == "tables.json") tables = entry.content;
      if (entry.path == "schema.sql") schema = entry.content;
      if (entry.is_file) parts.add(entry.path, entry.content);
    };
    common::walk_tar(op, fd, walk);
    if (schema.empty()) throw damaged("it has no schema.sql");
    if (const std::string part = parts.incomplete(); !part.empty())
      throw damaged(fmt::format("the part {} lacks files", part));
    const auto rows = parts.rows(tables_from(tables));
    std::int64_t total = 0;
    for (const auto& [table, found] : rows) total += found;
    if (const auto* counts = common::object_at(request, "counts"))
      for (const auto& [table, wanted] : *counts) {
        const auto found = rows.find(std::string(table));
        if (found == rows.end() || !wanted.is_int64() || wanted.get_int64() != found->second)
          throw damaged(fmt::format("{} has {} rows, the manifest says {}", std::string_view(table),
                                    found == rows.end() ? 0 : found->second,
                                    json::serialize(wanted)));
      }
    return json::serialize(
        json::object{{"checked", fmt::format("{} rows of {} tables in {} parts", total, rows.size(),
                                             parts.size())}});
  }

 private:
  // A folder under shadow/ that goes when this does.
  class Shadow {
   public:
    Shadow(const SnapshotClickhouse& plugin, const Op& op, const std::string& root)
        : plugin_(plugin), op_(op), root_(root) {
      std::random_device random;
      name_ = fmt::format("{}{:08x}", prefix, random());
      plugin_.sweep(op_, root_);
      common::require_success(plugin_.run(op_, {"mkdir", "-p", folder()}), "mkdir");
    }
    ~Shadow() {
      try {
        plugin_.sweep(op_, root_);
      } catch (const std::exception&) {
        return;  // the next capture does it
      }
    }
    Shadow(const Shadow&) = delete;
    Shadow& operator=(const Shadow&) = delete;
    const std::string& name() const { return name_; }
    std::string folder() const { return fmt::format("{}/shadow/{}", root_, name_); }

   private:
    const SnapshotClickhouse& plugin_;
    const Op& op_;
    std::string root_;
    std::string name_;
  };

  static Error damaged(const std::string& why) {
    return {FBX_FAILED, fmt::format("the capture of ClickHouse is damaged: {}", why),
            "use another generation"};
  }

  const json::object& config() const { return context_.config; }
  std::string service() const { return need_text(config(), "service"); }

  json::array pauses() const {
    const auto* list = common::array_at(config(), "pause");
    return list == nullptr ? json::array{} : *list;
  }

  // Which databases, as a condition.
  std::string wanted() const {
    const auto* list = common::array_at(config(), "databases");
    if (list == nullptr || list->empty())
      return "database NOT IN ('system', 'INFORMATION_SCHEMA', 'information_schema', "
             "'_temporary_and_external_tables')";
    std::string names;
    for (const json::value& item : *list) {
      std::string name;
      for (const char c : item.as_string())
        name += (c == '\'' || c == '\\') ? std::string{'\\', c} : std::string{c};
      names += fmt::format("{}'{}'", names.empty() ? "" : ", ", name);
    }
    return fmt::format("database IN ({})", names);
  }

  common::Program beside(std::vector<std::string> command) const {
    return {service(), std::move(command), {}, {}, -1};
  }
  common::Finished run(const Op& op, std::vector<std::string> command) const {
    return common::run_beside(op, beside(std::move(command)));
  }
  void sweep(const Op& op, const std::string& root) const {
    common::require_success(
        run(op, {"sh", "-c", fmt::format("rm -rf \"$1\"/shadow/{}*", prefix), "sh", root}),
        fmt::format("removing old hard links beside {}", service()));
  }
  void write(const Op& op, const std::string& path, const std::string& text) const {
    common::Program program = beside({"sh", "-c", "cat > \"$1\"", "sh", path});
    program.stdin_text = text;
    common::require_success(common::run_beside(op, program), "writing " + path);
  }

  // Statements go through stdin: they may be long, and arguments are seen by everybody.
  std::string query(const Op& op, const std::string& sql) const {
    common::Program program = beside({});
    for (const json::value& word : *common::array_at(config(), "client"))
      program.command.emplace_back(word.as_string());
    program.command.emplace_back("--multiquery");
    if (const auto user = common::text_at(config(), "user")) {
      program.command.emplace_back("--user");
      program.command.push_back(*user);
    }
    if (const auto password = common::secret_at(config(), "password"))
      program.environment["CLICKHOUSE_PASSWORD"] = json::object{{"$secret", *password}};
    program.stdin_text = sql + ";\n";
    const auto finished = common::run_beside(op, program);
    common::require_success(finished, fmt::format("clickhouse-client beside {}", service()), hint);
    return finished.out;
  }

  std::vector<Table> list_tables(const Op& op) const {
    const std::string newer =
        query(op,
              "SELECT count() FROM system.columns WHERE database = 'system' AND table = "
              "'tables' AND name = 'data_paths'");
    const char* path = newer.starts_with("0") ? "data_path" : "data_paths";
    std::vector<Table> tables;
    for (const std::string& line : lines_of(
             query(op, fmt::format("SELECT database, name, engine, create_table_query, {} AS path "
                                   "FROM system.tables WHERE {} AND NOT is_temporary ORDER BY "
                                   "database, name FORMAT JSONEachRow",
                                   path, wanted()))))
      tables.push_back(parse_table(line));
    return tables;
  }

  void freeze(const Op& op, const std::vector<Table>& tables, const std::string& name) const {
    std::string sql;
    for (const Table& table : tables)
      if (table.has_parts())
        sql += fmt::format("{}ALTER TABLE {}.{} FREEZE WITH NAME '{}'", sql.empty() ? "" : ";\n",
                           identifier(table.database), identifier(table.name), name);
    query(op, sql);
  }

  // Of what was frozen, not of what the tables hold by now.
  std::map<std::string, std::int64_t> count(const Op& op, const std::vector<Table>& tables,
                                            const std::string& folder) const {
    const auto finished =
        run(op, {"sh", "-c",
                 "cd \"$1\" && find . -type f -name count.txt -exec sh -c 'for f; do printf \"%s "
                 "%s\\n\" \"$(cat \"$f\")\" \"$f\"; done' sh {} +",
                 "sh", folder});
    common::require_success(finished, fmt::format("counting rows beside {}", service()));
    Parts parts;
    for (const std::string& line : lines_of(finished.out)) {
      const std::size_t space = line.find(' ');
      if (space != std::string::npos) parts.add(line.substr(space + 1), line.substr(0, space));
    }
    return parts.rows(tables);
  }

  common::Context context_;
};

}  // namespace fbx::snapshot

FUSEBOX_PLUGIN(fbx::snapshot::SnapshotClickhouse)
