// SPDX-License-Identifier: Apache-2.0
#include "turn.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fbx::snapshot {

namespace {

using Statements = std::vector<std::string>;

// More than enough for every way through, unless somebody makes tables meanwhile.
constexpr int kMaxRounds = 20;

std::string path(std::string_view database, std::string_view name) {
  return fmt::format("{}.{}", identifier(database), identifier(name));
}
std::string drop(const Table& table) {
  return "DROP TABLE IF EXISTS " + path(table.database, table.name);
}
std::string drop_database(std::string_view name) {
  return "DROP DATABASE IF EXISTS " + identifier(name);
}
std::string move(const Table& table, const std::string& database) {
  return fmt::format("RENAME TABLE {} TO {}", path(table.database, table.name),
                     path(database, table.name));
}
std::string make_database(const std::string& name, const std::string& engine = {}) {
  return fmt::format("CREATE DATABASE {}{}", identifier(name),
                     engine.empty() ? "" : " ENGINE = " + engine);
}

// What is on both sides, as a crash of the server in a RENAME leaves it, or somebody's CREATE in
// between: the one without rows goes.
std::string drop_double(const Table& live, const Table& aside) {
  const auto is_empty = [](const Table& table) {
    return table.has_parts() ? table.rows == 0 : !table.keeps_data();
  };
  if (is_empty(live)) return drop(live);
  if (is_empty(aside)) return drop(aside);
  throw Error(FBX_CONFLICT,
              fmt::format("{} and {} both hold rows, and only one of them can be right",
                          live.full_name(), aside.full_name()),
              "RENAME the live one into a database of another name, then do this again");
}

class Turn {
 public:
  Turn(const Server& server, const Tag& tag) : server_(server), tag_(tag) {}

  void run(Statements (Turn::*next)()) {
    for (int round = 0; round < kMaxRounds; ++round) {
      scene_ = look(server_, tag_);
      const Statements statements = (this->*next)();
      if (statements.empty()) return;
      server_.execute(statements);
    }
    throw Error(FBX_CONFLICT, "tables keep appearing in ClickHouse while they are exchanged",
                "stop what uses ClickHouse, then do this again");
  }

  Statements to_new() {
    if (has(sign::settling) || has(sign::live)) return {};
    if (!has(sign::new_views))
      throw Error(FBX_NOT_FOUND, fmt::format("nothing is staged as {}", tag_.text()),
                  "stage a capture first");
    if (!has(sign::old_views)) return begin();
    return has(sign::arriving) ? arrive() : leave();
  }

  Statements to_old() {
    if (has(sign::settling))
      throw Error(
          FBX_CONFLICT,
          fmt::format("the old data of {} is being removed, so there is no way back", tag_.text()),
          "settle it; for the old data, restore a generation that holds it");
    if (has(sign::arriving)) return depart();
    return has(sign::old_views) ? come_back() : Statements{};
  }

  Statements to_settled() {
    if (has(sign::settling)) return settle();
    if (has(sign::live)) return {sign_statement(tag_, sign::settling)};
    if (scene_.in(tag_.control()).empty() && involved().empty())
      return scene_.databases.contains(tag_.control()) ? Statements{drop_database(tag_.control())}
                                                       : Statements{};
    throw Error(FBX_CONFLICT, fmt::format("the staged data of {} is not live", tag_.text()),
                "turn to \"new\" before it is settled");
  }

 private:
  bool has(std::string_view sign) const { return scene_.find(tag_.control(), sign) != nullptr; }

  std::set<std::string> involved() const {
    std::set<std::string> names = scene_.behind(tag_.new_prefix());
    names.merge(scene_.behind(tag_.old_prefix()));
    return names;
  }

  Statements doubles(std::string (Tag::*side)(std::string_view) const) const {
    Statements statements;
    for (const std::string& database : involved())
      for (const Table* aside : scene_.in((tag_.*side)(database)))
        if (const Table* live = scene_.find(database, aside->name))
          statements.push_back(drop_double(*live, *aside));
    return statements;
  }

  // All that is live goes to the side; views, which are on record, go.
  Statements clear_live(std::string (Tag::*side)(std::string_view) const) const {
    Statements drops;
    Statements moves;
    for (const std::string& database : involved()) {
      const auto live = scene_.in(database);
      const std::string to = (tag_.*side)(database);
      if (!live.empty() && !scene_.databases.contains(to))
        moves.push_back(make_database(to, scene_.databases.at(database)));
      for (const Table* table : live)
        (table->is_view() ? drops : moves)
            .push_back(table->is_view() ? drop(*table) : move(*table, to));
    }
    // Views first: none is to feed a table whose place another one takes.
    drops.insert(drops.end(), moves.begin(), moves.end());
    return drops;
  }

  Statements begin() const {
    check_live(server_, scene_);
    Statements statements;
    std::vector<Table> views;
    for (const auto& [database, engine] : scene_.databases)
      if (server_.wants(database) && !scene_.databases.contains(tag_.old_of(database)))
        statements.push_back(make_database(tag_.old_of(database), engine));
    for (const Table& table : scene_.tables)
      if (server_.wants(table.database) && table.is_view()) views.push_back(table);
    statements.push_back(
        record_statement(tag_, sign::old_views, in_order_of_creation(std::move(views))));
    return statements;
  }

  Statements leave() const {
    if (auto drops = doubles(&Tag::old_of); !drops.empty()) return drops;
    if (auto moves = clear_live(&Tag::old_of); !moves.empty()) return moves;
    Statements statements;
    for (const std::string& database : scene_.behind(tag_.new_prefix()))
      if (!scene_.databases.contains(database)) statements.push_back(make_database(database));
    statements.push_back(sign_statement(tag_, sign::arriving));
    return statements;
  }

  Statements arrive() const {
    if (auto drops = doubles(&Tag::new_of); !drops.empty()) return drops;
    Statements statements;
    for (const std::string& database : scene_.behind(tag_.new_prefix()))
      for (const Table* table : scene_.in(tag_.new_of(database)))
        statements.push_back(move(*table, database));
    for (const Table& view : read_record(server_, tag_, sign::new_views))
      if (scene_.find(view.database, view.name) == nullptr)
        statements.push_back(create_in(view.database, view));
    statements.push_back(sign_statement(tag_, sign::live));
    return statements;
  }

  Statements depart() const {
    if (auto drops = doubles(&Tag::new_of); !drops.empty()) return drops;
    const auto moves = clear_live(&Tag::new_of);
    if (moves.empty() && !has(sign::live)) return {unsign_statement(tag_, sign::arriving)};
    Statements statements;
    if (has(sign::live)) statements.push_back(unsign_statement(tag_, sign::live));
    statements.insert(statements.end(), moves.begin(), moves.end());
    return statements;
  }

  Statements come_back() const {
    if (auto drops = doubles(&Tag::old_of); !drops.empty()) return drops;
    Statements statements;
    const auto views = read_record(server_, tag_, sign::old_views);
    const auto is_old = [&](const Table* view) {
      return std::any_of(views.begin(), views.end(), [&](const Table& old) {
        return old.database == view->database && old.name == view->name;
      });
    };
    const auto old = scene_.behind(tag_.old_prefix());
    for (const std::string& database : old) {
      if (!scene_.databases.contains(database))
        statements.push_back(make_database(database, scene_.databases.at(tag_.old_of(database))));
      for (const Table* live : scene_.in(database))
        if (live->is_view() && !is_old(live)) statements.push_back(drop(*live));
      for (const Table* table : scene_.in(tag_.old_of(database)))
        statements.push_back(move(*table, database));
    }
    for (const Table& view : views)
      if (scene_.find(view.database, view.name) == nullptr)
        statements.push_back(attach_in(view.database, view, view.uuid));
    // A database that was not there before.
    for (const std::string& database : scene_.behind(tag_.new_prefix()))
      if (!old.contains(database) && scene_.in(database).empty())
        statements.push_back(drop_database(database));
    statements.push_back(unsign_statement(tag_, sign::old_views));
    return statements;
  }

  Statements settle() const {
    Statements statements;
    for (const std::string& database : scene_.behind(tag_.new_prefix()))
      for (const Table* table : scene_.in(database))
        if (table->has_parts())
          statements.push_back("SYSTEM START MERGES " + path(table->database, table->name));
    for (const std::string& database : scene_.behind(tag_.old_prefix()))
      statements.push_back(drop_database(tag_.old_of(database)));
    for (const std::string& database : scene_.behind(tag_.new_prefix()))
      statements.push_back(drop_database(tag_.new_of(database)));
    for (const Table* table : scene_.in(tag_.control()))
      if (table->name != sign::settling) statements.push_back(drop(*table));
    statements.push_back(unsign_statement(tag_, sign::settling));
    statements.push_back(drop_database(tag_.control()));
    return statements;
  }

  const Server& server_;
  const Tag& tag_;
  Scene scene_;
};

}  // namespace

void turn(const Server& server, const Tag& tag, std::string_view to) {
  Turn turn(server, tag);
  if (to == "new") return turn.run(&Turn::to_new);
  if (to == "settled") return turn.run(&Turn::to_settled);
  if (to != "old")
    throw Error(FBX_ARGUMENT, fmt::format("\"{}\" is no way to turn", to),
                "\"new\", \"old\" or \"settled\"");
  turn.run(&Turn::to_old);
  remove_staged(server, tag);
}

void remove_staged(const Server& server, const Tag& tag) {
  const Scene scene = look(server, tag);
  const auto has = [&](std::string_view sign) {
    return scene.find(tag.control(), sign) != nullptr;
  };
  if (has(sign::old_views) || has(sign::settling))
    throw Error(FBX_CONFLICT,
                fmt::format("what was staged as {} is live, or was half way", tag.text()),
                "turn to \"old\" or to \"settled\" first");
  Statements statements;
  if (has(sign::new_views)) statements.push_back(unsign_statement(tag, sign::new_views));
  for (const std::string& database : scene.behind(tag.old_prefix())) {
    if (!scene.in(tag.old_of(database)).empty())
      throw Error(FBX_INTERNAL,
                  fmt::format("{} holds tables that nothing explains", tag.old_of(database)),
                  "RENAME them to where they belong, then do this again");
    statements.push_back(drop_database(tag.old_of(database)));
  }
  for (const std::string& database : scene.behind(tag.new_prefix()))
    statements.push_back(drop_database(tag.new_of(database)));
  if (const Table* place = scene.find(tag.control(), sign::place)) {
    server.run({"rm", "-rf", unpacked(*place, tag)}, "removing unpacked parts");
    statements.push_back(drop(*place));
  }
  if (scene.databases.contains(tag.control())) statements.push_back(drop_database(tag.control()));
  server.execute(statements);
}

}  // namespace fbx::snapshot
