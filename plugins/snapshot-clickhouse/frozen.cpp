// SPDX-License-Identifier: Apache-2.0
#include "frozen.hpp"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <filesystem>

#include "common/tar_walk.hpp"

namespace fbx::snapshot {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

// A part lies four folders below the server's root: data/<database>/<table>/<part>, or
// store/<three digits>/<uuid>/<part>.
constexpr std::size_t kDepth = 4;

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts;
  for (const auto& part : fs::path(path))
    if (!part.empty() && part != "/" && part != ".") parts.push_back(part.string());
  return parts;
}

Error damaged(const std::string& why) {
  return {FBX_FAILED, fmt::format("the capture of ClickHouse is damaged: {}", why),
          "use another generation"};
}

}  // namespace

void Parts::add(const std::string& path, const std::string& content) {
  const auto names = split(path);
  if (names.size() != kDepth + 1 || (names[0] != "data" && names[0] != "store")) return;
  Part& part = parts_[fmt::format("{}/{}/{}/{}", names[0], names[1], names[2], names[3])];
  if (names[kDepth] == "count.txt") {
    part.has_count = true;
    part.rows = std::strtoll(content.c_str(), nullptr, 10);
  }
  part.has_checksums = part.has_checksums || names[kDepth] == "checksums.txt";
  part.has_columns = part.has_columns || names[kDepth] == "columns.txt";
}

std::map<std::string, std::int64_t> Parts::of(const Table& table) const {
  std::map<std::string, std::int64_t> found;
  const std::string begin = table.folder + "/";
  for (auto at = parts_.lower_bound(begin); at != parts_.end() && at->first.starts_with(begin);
       ++at)
    found[at->first.substr(begin.size())] = at->second.rows;
  return found;
}

std::map<std::string, std::int64_t> Parts::rows(const std::vector<Table>& tables) const {
  std::map<std::string, std::int64_t> found;
  for (const Table& table : tables) {
    if (!table.has_parts()) continue;
    std::int64_t& sum = found[table.full_name()];
    for (const auto& [part, rows] : of(table)) sum += rows;
  }
  return found;
}

std::string Parts::incomplete() const {
  for (const auto& [path, part] : parts_)
    if (!part.has_count || !part.has_checksums || !part.has_columns) return path;
  return {};
}

Frozen read_capture(const Op& op, int fd, const json::object* counts,
                    const std::function<void(std::string_view)>& tee) {
  Frozen frozen;
  std::string tables;
  bool has_schema = false;
  common::TarWalk walk;
  walk.wants = [](const std::string& path) {
    return path == "tables.json" || path.ends_with("/count.txt");
  };
  walk.entry = [&](const common::TarEntry& entry) {
    if (entry.path == "tables.json") tables = entry.content;
    has_schema = has_schema || entry.path == "schema.sql";
    if (entry.is_file) frozen.parts.add(entry.path, entry.content);
  };
  walk.tee = tee;
  common::walk_tar(op, fd, walk);
  if (!has_schema) throw damaged("it has no schema.sql");
  if (tables.empty()) throw damaged("it has no tables.json");
  if (const std::string part = frozen.parts.incomplete(); !part.empty())
    throw damaged(fmt::format("the part {} lacks files", part));
  frozen.tables = tables_from(tables);
  const auto rows = frozen.parts.rows(frozen.tables);
  if (counts == nullptr) return frozen;
  for (const auto& [table, wanted] : *counts) {
    const auto found = rows.find(std::string(table));
    if (found == rows.end() || !wanted.is_int64() || wanted.get_int64() != found->second)
      throw damaged(fmt::format("{} has {} rows, the manifest says {}", std::string_view(table),
                                found == rows.end() ? 0 : found->second, json::serialize(wanted)));
  }
  return frozen;
}

}  // namespace fbx::snapshot
