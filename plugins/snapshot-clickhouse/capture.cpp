// SPDX-License-Identifier: Apache-2.0
#include "capture.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <random>

#include "content_hash.hpp"
#include "frozen.hpp"

namespace fbx::snapshot {

namespace {

namespace json = boost::json;

// A folder beside the service that goes when this does. The hard links in it cost nothing at first,
// and disk once the server has merged the parts away; so those of a capture that died go before the
// next.
class Folder {
 public:
  // Below `root`/shadow, where FREEZE puts what has this name; without a root, a temporary one.
  Folder(const Server& server, std::string root) : server_(server), root_(std::move(root)) {
    if (root_.empty()) {
      path_ = lines_of(server_.run({"mktemp", "-d"}, "making a folder")).at(0);
      return;
    }
    std::random_device random;
    path_ = fmt::format("{}/shadow/{}{:08x}", root_, kPrefix, random());
    remove();
  }
  ~Folder() {
    try {
      remove();
    } catch (const std::exception&) {
      return;  // the next capture does it
    }
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::string& path() const { return path_; }
  std::string name() const { return path_.substr(path_.rfind('/') + 1); }

  void write(const std::string& file, const std::string& text) const {
    server_.run({"sh", "-c", "mkdir -p \"$1\" && cat > \"$1/$2\"", "sh", path_, file},
                "writing " + file, text + "\n");
  }

 private:
  static constexpr std::string_view kPrefix = "fusebox_";

  void remove() const {
    const char* script = root_.empty() ? "rm -rf \"$1\"" : "rm -rf \"$2\"/shadow/\"$3\"*";
    server_.run({"sh", "-c", script, "sh", path_, root_, std::string(kPrefix)},
                "removing old hard links");
  }

  const Server& server_;
  std::string root_;
  std::string path_;
};

void freeze(const Server& server, const std::vector<Table>& tables, const std::string& name) {
  std::string sql;
  for (const Table& table : tables)
    if (table.has_parts())
      sql += fmt::format("{}ALTER TABLE {}.{} FREEZE WITH NAME {}", sql.empty() ? "" : ";\n",
                         identifier(table.database), identifier(table.name), literal(name));
  if (!sql.empty()) server.query(sql);
}

// Of what was frozen, not of what the tables hold by now.
Parts read_parts(const Server& server, const std::string& folder) {
  constexpr const char* script =
      "cd \"$1\" && find . -type f -name count.txt -exec sh -c 'for f; do printf \"%s %s\\n\" "
      "\"$(cat \"$f\")\" \"$f\"; done' sh {} +";
  const std::string found = server.run({"sh", "-c", script, "sh", folder}, "counting rows");
  Parts parts;
  for (const std::string& line : lines_of(found)) {
    const std::size_t space = line.find(' ');
    if (space != std::string::npos) parts.add(line.substr(space + 1), line.substr(0, space));
  }
  return parts;
}

// Tables share files after ATTACH PARTITION ... FROM; each is to have its own in the stream.
void stream(const Server& server, const std::string& folder, int fd) {
  constexpr const char* script =
      "tar --help 2>&1 | grep -q -e --hard-dereference && set -- \"$1\" --hard-dereference; "
      "exec tar -cf - -C \"$1\" ${2+\"$2\"} .";
  const auto program = server.beside({"sh", "-c", script, "sh", folder});
  common::require_success(common::stream_beside(server.op(), program, fd),
                          fmt::format("tar beside {}", server.service()));
}

}  // namespace

std::string capture(const Server& server, int fd, std::int64_t hash_limit) {
  auto tables = server.contents(server.wanted()).tables;
  const std::string version = lines_of(server.query("SELECT version()")).at(0);
  json::array left_out;
  std::string root;
  for (Table& table : tables) {
    if (table.keeps_data())
      left_out.emplace_back(fmt::format("{} ({})", table.full_name(), table.engine));
    if (!table.has_parts()) continue;
    const Place place = place_of(table);
    if (!root.empty() && root != place.root)
      throw Error(FBX_UNSUPPORTED, "the tables lie on several disks",
                  "use the server's own BACKUP for them");
    root = place.root;
    table.folder = place.folder;
  }
  const Folder folder(server, root);
  freeze(server, tables, folder.name());
  folder.write("schema.sql", schema_sql(tables));
  folder.write("tables.json", json::serialize(tables_json(tables)));
  const Parts parts = read_parts(server, folder.path());
  json::object counts;
  for (const auto& [table, rows] : parts.rows(tables)) counts[table] = rows;
  json::object facts{{"way", "freeze"}};
  json::object digests = hash_frozen(server, tables, parts, hash_limit, facts);
  stream(server, folder.path(), fd);
  return json::serialize(json::object{{"version", version},
                                      {"counts", counts},
                                      {"facts", std::move(facts)},
                                      {"digests", std::move(digests)},
                                      {"left_out", left_out}});
}

}  // namespace fbx::snapshot
