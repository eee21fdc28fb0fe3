// SPDX-License-Identifier: Apache-2.0
#include "table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <cctype>
#include <filesystem>
#include <set>

#include "common/json.hpp"

namespace fbx::snapshot {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

std::string quoted(std::string_view text, char mark) {
  std::string out(1, mark);
  for (const char c : text) {
    if (c == mark || c == '\\') out += '\\';
    out += c;
  }
  return out + mark;
}

// A CREATE statement, taken apart at the name of what it makes.
struct Definition {
  std::string kind;  // "TABLE", "MATERIALIZED VIEW"
  std::string rest;  // all behind the name and its UUID
};

bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

bool take_identifier(std::string_view& text) {
  std::size_t end = 0;
  if (text.starts_with('`')) {
    for (end = 1; end < text.size() && text[end] != '`'; ++end)
      if (text[end] == '\\') ++end;
    ++end;
  } else {
    const auto is_word = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
    };
    end = static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_word) -
                                   text.begin());
  }
  if (end == 0 || end > text.size()) return false;
  text.remove_prefix(end);
  return true;
}

Definition parse_definition(const Table& table) {
  std::string_view rest = table.create;
  Definition definition;
  bool good = take(rest, "CREATE ");
  for (const char* kind : {"TABLE", "VIEW", "MATERIALIZED VIEW"})
    if (definition.kind.empty() && take(rest, fmt::format("{} ", kind))) definition.kind = kind;
  good = good && !definition.kind.empty() && take_identifier(rest);
  if (take(rest, ".")) good = good && take_identifier(rest);
  if (take(rest, " UUID '")) rest.remove_prefix(std::min(rest.size(), rest.find('\'') + 1));
  if (!good)
    throw Error(FBX_FAILED,
                fmt::format("the statement that makes {} cannot be understood", table.full_name()),
                "bring it back by hand, as RESTORE.txt tells");
  definition.rest = rest;
  return definition;
}

bool names(const Table& view, const Table& other) {
  const auto is_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  };
  const std::string& text = view.create;
  for (std::size_t at = text.find(other.name); at != std::string::npos;
       at = text.find(other.name, at + 1)) {
    const std::size_t end = at + other.name.size();
    if ((at == 0 || !is_word(text[at - 1])) && (end == text.size() || !is_word(text[end])))
      return true;
  }
  return false;
}

}  // namespace

bool Table::has_parts() const { return engine.ends_with("MergeTree"); }
bool Table::is_view() const { return engine.ends_with("View"); }
bool Table::is_inner() const { return name.starts_with(".inner"); }

bool Table::keeps_data() const {
  static constexpr std::array<std::string_view, 7> kinds = {
      "TinyLog", "Log", "StripeLog", "Set", "Join", "Memory", "EmbeddedRocksDB"};
  return std::find(kinds.begin(), kinds.end(), engine) != kinds.end();
}

Table parse_table(const json::object& row) {
  const auto text = [&](const char* key) { return common::text_at(row, key).value_or(""); };
  Table table;
  table.database = text("database");
  table.name = text("name");
  table.engine = text("engine");
  table.create = text("create_table_query");
  table.uuid = text("table_uuid");
  if (table.uuid.find_first_not_of("0-") == std::string::npos) table.uuid.clear();
  if (const auto* paths = common::array_at(row, "table_path")) {
    for (const json::value& path : *paths)
      if (path.is_string()) table.paths.emplace_back(path.get_string());
  } else if (!text("table_path").empty()) {
    table.paths.push_back(text("table_path"));
  }
  return table;
}

Place place_of(const Table& table) {
  if (table.paths.size() > 1)
    throw Error(FBX_UNSUPPORTED,
                fmt::format("the parts of {} lie on several disks", table.full_name()),
                "use the server's own BACKUP for it");
  const std::string path = table.paths.empty() ? "" : table.paths.front();
  fs::path folder = fs::path(path).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  const fs::path root = folder.parent_path().parent_path().parent_path();
  if (!root.is_absolute() || root == root.root_path())
    throw Error(
        FBX_UNSUPPORTED,
        fmt::format("{} keeps its data in \"{}\", which cannot be frozen", table.full_name(), path),
        "use the server's own BACKUP for it");
  return {root.string(), folder.lexically_relative(root).string()};
}

std::string identifier(std::string_view name) { return quoted(name, '`'); }
std::string literal(std::string_view text) { return quoted(text, '\''); }

std::string create_in(std::string_view database, const Table& table) {
  const Definition definition = parse_definition(table);
  return fmt::format("CREATE {} {}.{}{}", definition.kind, identifier(database),
                     identifier(table.name), definition.rest);
}

std::string attach_in(std::string_view database, const Table& table, std::string_view uuid) {
  const Definition definition = parse_definition(table);
  return fmt::format("ATTACH {} {}.{}{}{}", definition.kind, identifier(database),
                     identifier(table.name), uuid.empty() ? "" : fmt::format(" UUID '{}'", uuid),
                     definition.rest);
}

std::vector<Table> in_order_of_creation(std::vector<Table> tables) {
  std::vector<Table> ordered;
  std::vector<Table> views;
  for (Table& table : tables) (table.is_view() ? views : ordered).push_back(std::move(table));
  while (!views.empty()) {
    const auto is_first = [&](const Table& view) {
      return std::none_of(views.begin(), views.end(), [&](const Table& other) {
        return &other != &view && names(view, other);
      });
    };
    auto next = std::find_if(views.begin(), views.end(), is_first);
    if (next == views.end()) next = views.begin();  // names that only look like others
    ordered.push_back(std::move(*next));
    views.erase(next);
  }
  return ordered;
}

std::string schema_sql(const std::vector<Table>& tables) {
  std::string text;
  std::set<std::string> databases;
  for (const Table& table : tables)
    if (databases.insert(table.database).second)
      text += fmt::format("CREATE DATABASE IF NOT EXISTS {};\n", identifier(table.database));
  for (const Table& table : in_order_of_creation(tables))
    if (!table.is_inner()) text += table.create + ";\n";
  return text;
}

json::array tables_json(const std::vector<Table>& tables) {
  json::array list;
  for (const Table& table : tables)
    list.push_back({{"database", table.database},
                    {"name", table.name},
                    {"engine", table.engine},
                    {"folder", table.folder},
                    {"uuid", table.uuid},
                    {"create", table.create}});
  return list;
}

std::vector<Table> tables_from(std::string_view text) {
  boost::system::error_code error;
  const json::value list = json::parse({text.data(), text.size()}, error);
  if (error || !list.is_array())
    throw Error(FBX_FAILED, "the list of tables cannot be read", "use another generation");
  std::vector<Table> tables;
  for (const json::value& item : list.get_array()) {
    if (!item.is_object()) throw Error(FBX_FAILED, "the list of tables holds what is none");
    const json::object& object = item.get_object();
    const auto at = [&](const char* key) { return common::text_at(object, key).value_or(""); };
    Table table;
    table.database = at("database");
    table.name = at("name");
    table.engine = at("engine");
    table.folder = at("folder");
    table.uuid = at("uuid");
    table.create = at("create");
    tables.push_back(std::move(table));
  }
  return tables;
}

}  // namespace fbx::snapshot
