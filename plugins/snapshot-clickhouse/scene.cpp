// SPDX-License-Identifier: Apache-2.0
#include "scene.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "common/json.hpp"

namespace fbx::snapshot {

namespace {

namespace json = boost::json;

constexpr const char* by_hand = "bring it back by hand, as RESTORE.txt tells";

std::string in_control(const Tag& tag, std::string_view sign) {
  return fmt::format("{}.{}", identifier(tag.control()), identifier(sign));
}

// What can neither be made beside the live nor be put aside: it is more than its statement.
void check_kind(const Table& table) {
  if (table.is_inner())
    throw Error(FBX_UNSUPPORTED,
                fmt::format("{} belongs to a materialized view that keeps its rows itself",
                            table.full_name()),
                fmt::format("give the view a table of its own (CREATE MATERIALIZED VIEW ... TO "
                            "...), or {}",
                            by_hand));
  if (table.engine == "Dictionary" ||
      (table.is_view() && table.engine != "View" && table.engine != "MaterializedView"))
    throw Error(FBX_UNSUPPORTED,
                fmt::format("{} is a {}, which cannot be put aside and made again",
                            table.full_name(), table.engine),
                by_hand);
}

void check_told(const Table& table) {
  if (table.create.find("[HIDDEN]") == std::string::npos) return;
  throw Error(FBX_UNSUPPORTED,
              fmt::format("the statement that makes {} holds a secret, which the server does not "
                          "tell",
                          table.full_name()),
              fmt::format("name it in a named collection of the server, or {}", by_hand));
}

}  // namespace

Tag::Tag(std::string text) : text_(std::move(text)) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (text_.empty() || text_.size() > 40 || !std::all_of(text_.begin(), text_.end(), good))
    throw Error(FBX_ARGUMENT, fmt::format("\"{}\" is no tag", text_),
                "lower-case letters and digits, at most 40");
}

const Table* Scene::find(std::string_view database, std::string_view name) const {
  const auto found = std::find_if(tables.begin(), tables.end(), [&](const Table& table) {
    return table.database == database && table.name == name;
  });
  return found == tables.end() ? nullptr : &*found;
}

std::vector<const Table*> Scene::in(std::string_view database) const {
  std::vector<const Table*> found;
  for (const Table& table : tables)
    if (table.database == database) found.push_back(&table);
  return found;
}

std::set<std::string> Scene::behind(const std::string& prefix) const {
  std::set<std::string> names;
  for (const auto& [name, engine] : databases)
    if (name.starts_with(prefix)) names.insert(name.substr(prefix.size()));
  return names;
}

Scene look(const Server& server, const Tag& tag) {
  const std::string condition =
      fmt::format("({} OR database = {} OR startsWith(database, {}) OR startsWith(database, {}))",
                  server.wanted(), literal(tag.control()), literal(tag.new_prefix()),
                  literal(tag.old_prefix()));
  return {server.contents(condition)};
}

std::string unpacked(const Table& place, const Tag& tag) {
  return fmt::format("{}/{}", place_of(place).root, tag.control());
}

std::string record_statement(const Tag& tag, std::string_view sign,
                             const std::vector<Table>& views) {
  return fmt::format("CREATE VIEW {} AS SELECT {} AS list", in_control(tag, sign),
                     literal(json::serialize(tables_json(views))));
}

std::vector<Table> read_record(const Server& server, const Tag& tag, std::string_view sign) {
  const auto row = common::parse_object(
      server.query(fmt::format("SELECT list FROM {} FORMAT JSONEachRow", in_control(tag, sign))),
      "a record of views", FBX_IO);
  return tables_from(common::need_text(row, "list"));
}

std::string sign_statement(const Tag& tag, std::string_view sign) {
  return fmt::format("CREATE TABLE {} (x UInt8) ENGINE = Memory", in_control(tag, sign));
}

std::string unsign_statement(const Tag& tag, std::string_view sign) {
  return fmt::format("DROP TABLE IF EXISTS {}", in_control(tag, sign));
}

void check_live(const Server& server, const Scene& scene) {
  for (const auto& [database, engine] : scene.databases)
    if (server.wants(database) && engine != "Atomic" && engine != "Ordinary")
      throw Error(FBX_UNSUPPORTED,
                  fmt::format("the database {} is of the engine {}, whose tables cannot be put "
                              "aside",
                              database, engine),
                  "name the others in the plugin's `databases`");
  for (const Table& table : scene.tables) {
    if (!server.wants(table.database)) continue;
    check_kind(table);
    if (table.is_view()) check_told(table);
  }
}

void check_captured(const Server& server, const std::vector<Table>& tables) {
  for (const Table& table : tables) {
    if (!server.wants(table.database))
      throw Error(FBX_CONFIG,
                  fmt::format("the capture holds the database {}, which is none of the stack's",
                              table.database),
                  "add it to the plugin's `databases`");
    check_kind(table);
    check_told(table);
    if (table.engine.starts_with("Replicated"))
      throw Error(FBX_UNSUPPORTED,
                  fmt::format("{} is replicated: beside the live table it would be another replica "
                              "of it",
                              table.full_name()),
                  by_hand);
  }
}

}  // namespace fbx::snapshot
