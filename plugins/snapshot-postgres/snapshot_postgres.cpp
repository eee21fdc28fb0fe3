// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <charconv>

#include "common/beside.hpp"
#include "common/json.hpp"
#include "copy_counter.hpp"
#include "restore.hpp"

namespace fbx::snapshot {

namespace {

namespace json = boost::json;
using common::need_text;

constexpr std::size_t kMaxTold = 16U << 20U;  // a line for each table

// One session exports its snapshot, has pg_dump read that very snapshot, and counts rows in it. So
// dump and counts are of the same moment, whatever is written meanwhile. The archive goes to
// psql's stdout, all else to stderr.
std::string capture_script(DigestRows digest) {
  return fmt::format(R"(BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_export_snapshot() AS fbx_snapshot \gset
\setenv FBX_SNAPSHOT :fbx_snapshot
\! pg_dump --format=custom --compress=0 --snapshot="$FBX_SNAPSHOT" </dev/null; printf 'fbx-dump\t%s\n' $? 1>&2
\o | cat 1>&2
{}{}\o
COMMIT;
)",
                     facts_script(), contents_script(digest));
}

DigestRows digest_rows_of(const json::object& facts, DigestRows otherwise) {
  const auto text = common::text_at(facts, "digest_rows");
  if (!text) return otherwise;
  DigestRows rows = otherwise;
  std::from_chars(text->data(), text->data() + text->size(), rows);
  return rows;
}

const json::object& object_or_none(const json::object& request, std::string_view key) {
  static const json::object none;
  const auto* found = common::object_at(request, key);
  return found == nullptr ? none : *found;
}

}  // namespace

class SnapshotPostgres final : public Plugin, public Snapshot {
 public:
  explicit SnapshotPostgres(std::string_view text)
      : context_(common::parse_context(text)), psql_(context_) {}

  std::string sources(Op& op, std::string_view) override {
    return json::serialize(json::object{
        {"sources",
         {{{"name", context_.instance},
           {"kind", "postgres"},
           {"file", fmt::format("{}.dump", psql_.service())},
           {"service", psql_.service()},
           {"order", 100},
           {"pause", pauses()},
           {"bytes", database_size(op)},
           {"by_hand",
            {fmt::format("# {} must be there, and empty", psql_.database()),
             fmt::format("zstd -dc {}.dump.zst | pg_restore --exit-on-error --no-owner "
                         "--no-privileges --dbname={}",
                         psql_.service(), psql_.database())}}}}}});
  }

  std::string capture(Op& op, std::string_view, int fd) override {
    common::Program program = psql_.script(psql_.database(), capture_script(digest_rows()));
    program.err_limit = kMaxTold;
    const auto finished = common::stream_beside(op, program, fd);
    Told told = read_told(finished.err);
    if (finished.exit_code != 0 || told.dump_exit != 0 || !told.whole)
      throw Error(
          FBX_IO,
          fmt::format("the dump of database {} failed (psql {}, pg_dump {}): {}", psql_.database(),
                      finished.exit_code, told.dump_exit, common::last_line(told.rest)),
          "check that the server runs and that the role may read everything: `fusebox "
          "health`");
    told.facts["digest_rows"] = std::to_string(digest_rows());
    return json::serialize(
        json::object{{"version", told.version},
                     {"counts", told.counts},
                     {"digests", told.digests},
                     {"facts", told.facts},
                     {"left_out", json::array(told.left_out.begin(), told.left_out.end())}});
  }

  // Turns the whole archive into SQL, which reads every byte of it, and counts the rows on the way.
  std::string inspect(Op& op, std::string_view text, int fd) override {
    const auto request = common::parse_object(text, "the request to inspect a dump");
    common::Program program{
        psql_.service(), {"pg_restore", "--exit-on-error", "--file=-"}, {}, {}, fd};
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

  std::string stage(Op& op, std::string_view text, int fd) override {
    const auto request = common::parse_object(text, "the request to stage a dump");
    const Told told =
        snapshot::stage(op, psql_, names_of(request), object_or_none(request, "counts"),
                        object_or_none(request, "facts"), fd);
    return json::serialize(json::object{{"counts", told.counts}});
  }

  std::string turn(Op& op, std::string_view text) override {
    const auto request = common::parse_object(text, "the request to turn data");
    snapshot::turn(op, psql_, names_of(request), need_text(request, "to"));
    return "{}";
  }

  std::string count(Op& op, std::string_view text) override {
    const auto request = common::parse_object(text, "the request to count");
    std::optional<DigestRows> digest;
    if (common::boolean_at(request, "digests").value_or(false))
      digest = digest_rows_of(object_or_none(request, "facts"), digest_rows());
    const Told told = count_contents(op, psql_, psql_.database(), digest);
    json::object answer{{"counts", told.counts}};
    if (digest) answer["digests"] = told.digests;
    return json::serialize(answer);
  }

 private:
  const json::object& config() const { return context_.config; }

  Names names_of(const json::object& request) const {
    return {psql_.database(), need_text(request, "tag")};
  }

  json::array pauses() const {
    const auto* list = common::array_at(config(), "pause");
    return list == nullptr ? json::array{} : *list;
  }

  DigestRows digest_rows() const { return common::need_integer(config(), "digest_rows"); }

  std::int64_t database_size(const Op& op) const {
    const auto rows =
        psql_.query(op, psql_.database(), "SELECT pg_database_size(current_database());\n", "psql");
    std::int64_t bytes = 0;
    if (!rows.empty())
      std::from_chars(rows[0][0].data(), rows[0][0].data() + rows[0][0].size(), bytes);
    return bytes;
  }

  common::Context context_;
  Psql psql_;
};

}  // namespace fbx::snapshot

FUSEBOX_PLUGIN(fbx::snapshot::SnapshotPostgres)
