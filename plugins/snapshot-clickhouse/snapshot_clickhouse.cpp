// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <cstdlib>

#include "capture.hpp"
#include "common/json.hpp"
#include "content_hash.hpp"
#include "frozen.hpp"
#include "stage.hpp"
#include "turn.hpp"

namespace fbx::snapshot {

namespace {

namespace json = boost::json;
using common::need_text;

json::object counts_of(const std::map<std::string, std::int64_t>& rows) {
  json::object counts;
  for (const auto& [table, count] : rows) counts[table] = count;
  return counts;
}

}  // namespace

class SnapshotClickhouse final : public Plugin, public Snapshot {
 public:
  explicit SnapshotClickhouse(std::string_view text) : context_(common::parse_context(text)) {}

  std::string sources(Op& op, std::string_view) override {
    const Server server = server_for(op);
    const std::string file = fmt::format("{}.tar", server.service());
    const std::string size = server.query(fmt::format(
        "SELECT toInt64(sum(bytes)) FROM system.parts WHERE active AND {}", server.wanted()));
    const auto* pauses = common::array_at(context_.config, "pause");
    return json::serialize(json::object{
        {"sources",
         {{{"name", context_.instance},
           {"kind", "clickhouse"},
           {"file", file},
           {"service", server.service()},
           {"order", 200},
           {"pause", pauses == nullptr ? json::array{} : *pauses},
           {"offline", false},
           {"bytes", std::strtoll(size.c_str(), nullptr, 10)},
           {"by_hand",
            {fmt::format("mkdir parts && zstd -dc {}.zst | tar -x -C parts", file),
             "clickhouse-client --multiquery < parts/schema.sql",
             "# for each table of parts/tables.json: copy the folders in parts/<folder> into",
             "# <the table's data_path of system.tables>/detached/, owned by the server's user;",
             "# then for each of them: ALTER TABLE <database>.<name> ATTACH PART '<folder>'"}}}}}});
  }

  std::string capture(Op& op, std::string_view, int fd) override {
    return snapshot::capture(server_for(op), fd,
                             common::need_integer(context_.config, "hash_limit"));
  }

  std::string inspect(Op& op, std::string_view text, int fd) override {
    const auto request = common::parse_object(text, "the request to inspect a capture");
    const Frozen frozen = read_capture(op, fd, common::object_at(request, "counts"));
    const auto rows = frozen.parts.rows(frozen.tables);
    std::int64_t total = 0;
    for (const auto& [table, count] : rows) total += count;
    return json::serialize(
        json::object{{"checked", fmt::format("{} rows of {} tables in {} parts", total, rows.size(),
                                             frozen.parts.size())}});
  }

  std::string stage(Op& op, std::string_view text, int fd) override {
    const auto request = common::parse_object(text, "the request to stage a capture");
    const Tag tag(need_text(request, "tag"));
    const auto rows =
        snapshot::stage(server_for(op), tag, fd, common::object_at(request, "counts"));
    return json::serialize(json::object{{"counts", counts_of(rows)}});
  }

  std::string turn(Op& op, std::string_view text) override {
    const auto request = common::parse_object(text, "the request to turn");
    snapshot::turn(server_for(op), Tag(need_text(request, "tag")), need_text(request, "to"));
    return "{}";
  }

  std::string count(Op& op, std::string_view text) override {
    const auto request = common::parse_object(text, "the request to count");
    const Server server = server_for(op);
    const auto live = server.contents(server.wanted()).tables;
    std::map<std::string, std::int64_t> rows;
    for (const Table& table : live)
      if (table.has_parts()) rows[table.full_name()] = table.rows;
    json::object answer{{"counts", counts_of(rows)}};
    const auto* facts = common::object_at(request, "facts");
    if (common::boolean_at(request, "digests").value_or(false))
      answer["digests"] = hash_live(server, live, facts == nullptr ? json::object{} : *facts);
    return json::serialize(answer);
  }

 private:
  Server server_for(const Op& op) const { return {op, context_.config}; }

  common::Context context_;
};

}  // namespace fbx::snapshot

FUSEBOX_PLUGIN(fbx::snapshot::SnapshotClickhouse)
