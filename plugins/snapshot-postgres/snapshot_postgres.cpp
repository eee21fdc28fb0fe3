// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <charconv>

#include "common/beside.hpp"
#include "common/json.hpp"
#include "copy_counter.hpp"

namespace fbx::snapshot {

namespace {

namespace json = boost::json;
using common::need_text;

constexpr char kTab = '\t';

// One session exports its snapshot, has pg_dump read that very snapshot, and counts rows in it. So
// dump and counts are of the same moment, whatever is written meanwhile. The archive goes to
// psql's stdout, all else to stderr.
constexpr const char* capture_script = R"(\set ON_ERROR_STOP on
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_export_snapshot() AS fbx_snapshot \gset
\setenv FBX_SNAPSHOT :fbx_snapshot
\! pg_dump --format=custom --compress=0 --snapshot="$FBX_SNAPSHOT" </dev/null; echo "fbx-dump $?" 1>&2
\o | cat 1>&2
SELECT 'fbx-fact', 'version', current_setting('server_version');
SELECT 'fbx-fact', 'encoding', pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database();
SELECT 'fbx-fact', 'database', current_database();
SELECT 'SELECT ''fbx-fact'', ''prisma_migration'', max(migration_name) FROM _prisma_migrations WHERE finished_at IS NOT NULL'
  WHERE to_regclass('_prisma_migrations') IS NOT NULL \gexec
SELECT format('SELECT ''fbx-count'', %L, count(*) FROM %I.%I', format('%I.%I', n.nspname, c.relname), n.nspname, c.relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_%'
  ORDER BY 1 \gexec
SELECT 'fbx-end', '', '';
\o
COMMIT;
)";

// What the script says on stderr.
struct Told {
  json::object counts;
  json::object facts;
  std::string version;
  int dump_exit = -1;
  bool ended = false;
  std::string rest;  // what is not ours: psql's and pg_dump's own words
};

void read_line(std::string_view line, Told& told) {
  if (line.starts_with("fbx-dump ")) {
    line.remove_prefix(9);
    std::from_chars(line.data(), line.data() + line.size(), told.dump_exit);
    return;
  }
  const std::size_t first = line.find(kTab);
  const std::size_t last = line.rfind(kTab);
  if (first == std::string_view::npos || first == last) {
    told.rest.append(line).append("\n");
    return;
  }
  const std::string_view kind = line.substr(0, first);
  const std::string_view name = line.substr(first + 1, last - first - 1);
  const std::string_view value = line.substr(last + 1);
  if (kind == "fbx-end") {
    told.ended = true;
  } else if (kind == "fbx-count") {
    std::int64_t count = 0;
    std::from_chars(value.data(), value.data() + value.size(), count);
    told.counts[name] = count;
  } else if (kind == "fbx-fact" && name == "version") {
    told.version = value;
  } else if (kind == "fbx-fact") {
    told.facts[name] = value;
  }
}

Told read_told(std::string_view text) {
  Told told;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    read_line(text.substr(0, end), told);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return told;
}

}  // namespace

class SnapshotPostgres final : public Plugin, public Snapshot {
 public:
  explicit SnapshotPostgres(std::string_view text) : context_(common::parse_context(text)) {}

  std::string sources(Op& op, std::string_view) override {
    const std::string database = need_text(config(), "database");
    return json::serialize(json::object{
        {"sources",
         {{{"name", context_.instance},
           {"kind", "postgres"},
           {"file", fmt::format("{}.dump", service())},
           {"service", service()},
           {"order", 100},
           {"pause", pauses()},
           {"bytes", database_size(op)},
           {"by_hand",
            {fmt::format("createdb {}   # an empty one, on a server of the same or a newer version",
                         database),
             fmt::format("zstd -dc {}.dump.zst | pg_restore --exit-on-error --no-owner --dbname={}",
                         service(), database)}}}}}});
  }

  std::string capture(Op& op, std::string_view, int fd) override {
    const auto finished = common::stream_beside(op, psql(capture_script), fd);
    const Told told = read_told(finished.err);
    if (finished.exit_code != 0 || told.dump_exit != 0 || !told.ended)
      throw Error(FBX_IO,
                  fmt::format("the dump of database {} failed (psql {}, pg_dump {}): {}",
                              need_text(config(), "database"), finished.exit_code, told.dump_exit,
                              common::last_line(told.rest)),
                  "check that the server runs and that the role may read everything: `fusebox "
                  "health`");
    return json::serialize(
        json::object{{"version", told.version}, {"counts", told.counts}, {"facts", told.facts}});
  }

  // Turns the whole archive into SQL, which reads every byte of it, and counts the rows on the way.
  std::string inspect(Op& op, std::string_view text, int fd) override {
    const auto request = common::parse_object(text, "the request to inspect a dump");
    common::Program program{service(), {"pg_restore", "--exit-on-error", "--file=-"}, {}, {}, fd};
    CopyCounter counter;
    const auto finished =
        common::filter_beside(op, program, [&](std::string_view piece) { counter.add(piece); });
    if (finished.exit_code != 0)
      throw Error(
          FBX_FAILED,
          fmt::format("pg_restore cannot read the dump: {}", common::last_line(finished.err)),
          "use another generation");
    const auto* counts = common::object_at(request, "counts");
    if (counts != nullptr) {
      for (const auto& [table, wanted] : *counts) {
        const std::int64_t found = counter.rows(std::string(table));
        if (wanted.is_int64() && wanted.get_int64() == found) continue;
        throw Error(FBX_FAILED,
                    fmt::format("the dump has {} rows of {}, the manifest says {}", found,
                                std::string_view(table), json::serialize(wanted)),
                    "use another generation");
      }
    }
    return json::serialize(json::object{
        {"checked", fmt::format("{} rows in {} tables", counter.total(), counter.tables())}});
  }

 private:
  const json::object& config() const { return context_.config; }
  std::string service() const { return need_text(config(), "service"); }

  json::array pauses() const {
    const auto* list = common::array_at(config(), "pause");
    return list == nullptr ? json::array{} : *list;
  }

  common::Program psql(std::string script) const {
    json::object environment{{"PGDATABASE", need_text(config(), "database")},
                             {"PGUSER", need_text(config(), "user")},
                             {"PGAPPNAME", "fusebox"},
                             {"PGOPTIONS", "-c statement_timeout=0 -c lock_timeout=60s"}};
    if (const auto password = common::secret_at(config(), "password"))
      environment["PGPASSWORD"] = json::object{{"$secret", *password}};
    return {service(),
            {"psql", "-X", "-q", "-A", "-t", "-w", "-F", std::string(1, kTab)},
            std::move(environment),
            std::move(script),
            -1};
  }

  std::int64_t database_size(const Op& op) const {
    const auto finished =
        common::run_beside(op, psql("SELECT pg_database_size(current_database());\n"));
    common::require_success(finished, fmt::format("psql beside {}", service()),
                            "check the server, the role and the database: `fusebox health`");
    std::int64_t bytes = 0;
    std::from_chars(finished.out.data(), finished.out.data() + finished.out.size(), bytes);
    return bytes;
  }

  common::Context context_;
};

}  // namespace fbx::snapshot

FUSEBOX_PLUGIN(fbx::snapshot::SnapshotPostgres)
