// SPDX-License-Identifier: Apache-2.0
#include "frozen.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "common/json.hpp"

namespace fbx::snapshot {

namespace {

namespace fs = std::filesystem;

// A part lies four folders below the server's root: data/<database>/<table>/<part>, or
// store/<three digits>/<uuid>/<part>.
constexpr std::size_t kDepth = 4;

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts;
  for (const auto& part : fs::path(path))
    if (!part.empty() && part != "/" && part != ".") parts.push_back(part.string());
  return parts;
}

}  // namespace

bool Table::has_parts() const { return engine.ends_with("MergeTree"); }
bool Table::is_view() const { return engine.ends_with("View"); }
bool Table::is_inner() const { return name.starts_with(".inner"); }

bool Table::keeps_data() const {
  static constexpr std::array<std::string_view, 6> kinds = {"TinyLog", "Log",  "StripeLog",
                                                            "Set",     "Join", "EmbeddedRocksDB"};
  return std::find(kinds.begin(), kinds.end(), engine) != kinds.end();
}

Table parse_table(std::string_view line) {
  const auto row = common::parse_object(line, "a row of system.tables", FBX_IO);
  Table table{common::text_at(row, "database").value_or(""),
              common::text_at(row, "name").value_or(""),
              common::text_at(row, "engine").value_or(""),
              common::text_at(row, "create_table_query").value_or(""),
              "",
              ""};
  std::string path = common::text_at(row, "path").value_or("");
  if (const auto* paths = common::array_at(row, "path")) {
    if (paths->size() > 1)
      throw Error(FBX_UNSUPPORTED,
                  fmt::format("the parts of {} lie on several disks", table.full_name()),
                  "use the server's own BACKUP for it");
    if (!paths->empty() && paths->front().is_string()) path = paths->front().get_string();
  }
  if (!table.has_parts()) return table;
  fs::path folder = fs::path(path).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  const fs::path root = folder.parent_path().parent_path().parent_path();
  if (!root.is_absolute() || root == root.root_path())
    throw Error(
        FBX_UNSUPPORTED,
        fmt::format("{} keeps its data in \"{}\", which cannot be frozen", table.full_name(), path),
        "use the server's own BACKUP for it");
  table.root = root.string();
  table.folder = folder.lexically_relative(root).string();
  return table;
}

std::string identifier(std::string_view name) {
  std::string text = "`";
  for (const char c : name) {
    if (c == '`' || c == '\\') text += '\\';
    text += c;
  }
  return text + "`";
}

std::string schema_sql(const std::vector<Table>& tables) {
  std::string text;
  std::set<std::string> databases;
  for (const Table& table : tables)
    if (databases.insert(table.database).second)
      text += fmt::format("CREATE DATABASE IF NOT EXISTS {};\n", identifier(table.database));
  for (const bool views : {false, true})
    for (const Table& table : tables)
      if (!table.is_inner() && table.is_view() == views) text += table.create + ";\n";
  return text;
}

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

std::map<std::string, std::int64_t> Parts::rows(const std::vector<Table>& tables) const {
  std::map<std::string, std::int64_t> found;
  for (const Table& table : tables) {
    if (!table.has_parts()) continue;
    std::int64_t& sum = found[table.full_name()];
    for (const auto& [path, part] : parts_)
      if (fs::path(path).parent_path() == table.folder) sum += part.rows;
  }
  return found;
}

std::string Parts::incomplete() const {
  for (const auto& [path, part] : parts_)
    if (!part.has_count || !part.has_checksums || !part.has_columns) return path;
  return {};
}

}  // namespace fbx::snapshot
