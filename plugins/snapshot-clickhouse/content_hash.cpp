// SPDX-License-Identifier: Apache-2.0
#include "content_hash.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>

#include "common/json.hpp"

namespace fbx::snapshot {

namespace {

namespace json = boost::json;

constexpr std::string_view kFact = "digest:";
// The list goes into one statement.
constexpr std::size_t kMaxParts = 2000;

using Columns = std::map<std::string, std::vector<std::string>>;  // by table, as expressions
using Sums = std::map<std::string, std::uint64_t>;                // by partition

Columns hashed_columns(const Server& server) {
  Columns columns;
  for (const std::string& line : lines_of(server.query(
           fmt::format("SELECT database, table, name, type FROM system.columns WHERE {} AND "
                       "default_kind NOT IN ('ALIAS', 'EPHEMERAL') FORMAT JSONEachRow",
                       server.wanted())))) {
    const auto row = common::parse_object(line, "a row of system.columns", FBX_IO);
    auto& list = columns[fmt::format("{}.{}", common::need_text(row, "database"),
                                     common::need_text(row, "table"))];
    const std::string name = identifier(common::need_text(row, "name"));
    const std::string type = common::need_text(row, "type");
    if (type.starts_with("Nullable(") || type.starts_with("LowCardinality(Nullable(")) {
      // The hash of NULL is NULL, which a sum passes over.
      list.push_back(fmt::format("isNull({})", name));
      list.push_back(fmt::format("ifNull(toString({}), '')", name));
    } else {
      list.push_back(name);
    }
  }
  return columns;
}

std::string partition_of(std::string_view part) {
  return std::string(part.substr(0, part.find('_')));
}

std::string literals(const std::vector<std::string>& texts) {
  std::vector<std::string> all;
  for (const std::string& text : texts) all.push_back(literal(text));
  return fmt::format("{}", fmt::join(all, ", "));
}

Sums sums(const Server& server, const Table& table, const std::vector<std::string>& columns,
          const std::string& condition) {
  Sums sums;
  // Names that no column has: an alias would hide it.
  for (const std::string& line : lines_of(server.query(fmt::format(
           "SELECT splitByChar('_', _part)[1] AS fbx_partition, toString(sum(cityHash64({}))) AS "
           "fbx_hash FROM {}.{} WHERE {} GROUP BY fbx_partition FORMAT JSONEachRow",
           fmt::join(columns, ", "), identifier(table.database), identifier(table.name),
           condition)))) {
    const auto row = common::parse_object(line, "a hash", FBX_IO);
    sums[common::need_text(row, "fbx_partition")] =
        std::strtoull(common::need_text(row, "fbx_hash").c_str(), nullptr, 10);
  }
  return sums;
}

// "db.table/part" -> bytes
std::map<std::string, std::int64_t> active_parts(const Server& server) {
  std::map<std::string, std::int64_t> active;
  for (const std::string& line : lines_of(server.query(
           fmt::format("SELECT concat(database, '.', table, '/', name) AS part, "
                       "toString(bytes_on_disk) AS size FROM system.parts WHERE {} AND active "
                       "FORMAT JSONEachRow",
                       server.wanted())))) {
    const auto row = common::parse_object(line, "a row of system.parts", FBX_IO);
    active[common::need_text(row, "part")] =
        std::strtoll(common::need_text(row, "size").c_str(), nullptr, 10);
  }
  return active;
}

// The frozen parts of the partitions to hash.
std::map<std::string, std::vector<std::string>> choose(
    const Table& table, const Parts& parts, const std::map<std::string, std::int64_t>& active,
    std::int64_t limit) {
  std::map<std::string, std::vector<std::string>> partitions;
  for (const auto& [part, rows] : parts.of(table)) partitions[partition_of(part)].push_back(part);
  std::map<std::string, std::vector<std::string>> chosen;
  std::size_t count = 0;
  for (auto one = partitions.rbegin(); one != partitions.rend(); ++one) {
    std::int64_t bytes = 0;
    bool is_whole = true;
    for (const std::string& part : one->second) {
      const auto found = active.find(table.full_name() + "/" + part);
      is_whole = is_whole && found != active.end();
      bytes += is_whole ? found->second : 0;
    }
    if (!is_whole || bytes > limit || count + one->second.size() > kMaxParts) continue;
    limit -= bytes;
    count += one->second.size();
    chosen.insert(*one);
  }
  return chosen;
}

std::string text_of(const Sums& sums) {
  std::uint64_t sum = 0;
  for (const auto& [partition, hash] : sums) sum += hash;
  return fmt::format("{:016x}", sum);
}

}  // namespace

json::object hash_frozen(const Server& server, const std::vector<Table>& tables, const Parts& parts,
                         std::int64_t limit, json::object& facts) {
  json::object digests;
  if (limit <= 0 || parts.size() == 0) return digests;
  Columns columns = hashed_columns(server);
  const auto before = active_parts(server);
  std::map<std::string, Sums> hashes;
  std::map<std::string, std::map<std::string, std::vector<std::string>>> chosen;
  for (const Table& table : tables) {
    const std::string name = table.full_name();
    if (!table.has_parts()) continue;
    auto& partitions = chosen[name] = choose(table, parts, before, limit);
    std::vector<std::string> names;
    for (const auto& [partition, list] : partitions)
      names.insert(names.end(), list.begin(), list.end());
    if (names.empty()) continue;
    try {
      hashes[name] =
          sums(server, table, columns[name], fmt::format("_part IN ({})", literals(names)));
    } catch (const Error& error) {
      if (error.rc() != FBX_IO) throw;
      server.op().log(Level::debug, fmt::format("{} is not hashed: {}", name, error.what()));
    }
  }
  // A part that is there now was there all the time: one that was merged away never comes back.
  const auto after = active_parts(server);
  for (auto& [name, found] : hashes) {
    const std::string begin = name + "/";
    const auto& whole = chosen[name];
    std::erase_if(found, [&](const auto& sum) {
      const auto& list = whole.at(sum.first);
      return std::any_of(list.begin(), list.end(),
                         [&](const std::string& part) { return !after.contains(begin + part); });
    });
    if (found.empty()) continue;
    std::vector<std::string> partitions;
    for (const auto& [partition, hash] : found) partitions.push_back(partition);
    facts[fmt::format("{}{}", kFact, name)] = fmt::format("{}", fmt::join(partitions, ","));
    digests[name] = text_of(found);
  }
  return digests;
}

json::object hash_live(const Server& server, const std::vector<Table>& live,
                       const json::object& facts) {
  json::object digests;
  Columns columns = hashed_columns(server);
  for (const Table& table : live) {
    const std::string name = table.full_name();
    const auto listed = common::text_at(facts, fmt::format("{}{}", kFact, name));
    if (!listed) continue;
    std::vector<std::string> partitions;
    for (std::size_t at = 0; at <= listed->size();) {
      const std::size_t end = std::min(listed->find(',', at), listed->size());
      partitions.push_back(listed->substr(at, end - at));
      at = end + 1;
    }
    digests[name] =
        text_of(sums(server, table, columns[name],
                     fmt::format("splitByChar('_', _part)[1] IN ({})", literals(partitions))));
  }
  return digests;
}

}  // namespace fbx::snapshot
