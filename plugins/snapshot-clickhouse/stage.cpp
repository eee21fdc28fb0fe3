// SPDX-License-Identifier: Apache-2.0
#include "stage.hpp"

#include <fmt/format.h>

#include <exception>
#include <random>
#include <set>
#include <thread>

#include "common/io.hpp"
#include "frozen.hpp"
#include "turn.hpp"

namespace fbx::snapshot {

namespace {

namespace json = boost::json;

// Reads the capture and unpacks it beside the service on the way. As root, tar would give the files
// to whom they belonged elsewhere.
Frozen receive(const Server& server, int fd, const std::string& root, const std::string& folder,
               const json::object* counts) {
  common::Pipe pipe = common::make_pipe();
  constexpr const char* script =
      "mkdir -p \"$1\" && tar -xof - -C \"$1\" || exit; [ \"$(id -u)\" != 0 ] || "
      "{ folder=$1; set -- $(ls -nd \"$2\"); chown -R \"$3:$4\" \"$folder\"; }";
  common::Program program = server.beside({"sh", "-c", script, "sh", folder, root});
  program.stdin_fd = pipe.read.get();
  common::Finished finished;
  std::exception_ptr failed;
  std::thread runner([&] {
    try {
      finished = common::run_beside(server.op(), program);
    } catch (...) {
      failed = std::current_exception();
    }
    pipe.read.reset();
  });
  Frozen frozen;
  std::exception_ptr unreadable;
  bool is_writing = false;
  try {
    const common::Stream out(server.op(), pipe.write.get(), "unpacking a capture");
    frozen = read_capture(server.op(), fd, counts, [&](std::string_view bytes) {
      is_writing = true;
      out.write(bytes);
      is_writing = false;
    });
  } catch (...) {
    unreadable = std::current_exception();
  }
  pipe.write.reset();
  runner.join();
  server.op().check("unpacking a capture");
  if (unreadable && !is_writing) std::rethrow_exception(unreadable);
  if (failed) std::rethrow_exception(failed);
  common::require_success(finished, fmt::format("tar beside {}", server.service()),
                          "check its disk and who owns its data folder");
  if (unreadable) std::rethrow_exception(unreadable);
  return frozen;
}

std::string new_uuid() {
  std::random_device random;
  const auto bits = [&](unsigned mask) { return random() & mask; };
  return fmt::format("{:04x}{:04x}-{:04x}-4{:03x}-a{:03x}-{:04x}{:08x}", bits(0xffff), bits(0xffff),
                     bits(0xffff), bits(0xfff), bits(0xfff), bits(0xffff), bits(0xffffffff));
}

void make_tables(const Server& server, const Tag& tag, const std::vector<Table>& tables) {
  const Scene scene = look(server, tag);
  std::map<std::string, std::string> names;  // of databases: live, staged
  for (const Table& table : tables) names[table.database] = tag.new_of(table.database);
  std::vector<std::string> statements;
  for (const auto& [live, staged] : names) {
    const auto found = scene.databases.find(live);
    statements.push_back(
        fmt::format("CREATE DATABASE {}{}", identifier(staged),
                    found == scene.databases.end() ? "" : " ENGINE = " + found->second));
  }
  server.execute(statements);
  const auto engines = look(server, tag).databases;
  statements.clear();
  for (const Table& table : tables) {
    if (table.is_view()) continue;
    const std::string& staged = names[table.database];
    if (!table.has_parts()) {
      statements.push_back(create_in(staged, table));
      continue;
    }
    const bool wants_uuid = engines.at(staged) == "Atomic";
    statements.push_back(attach_in(staged, table, wants_uuid ? new_uuid() : ""));
    statements.push_back(
        fmt::format("SYSTEM STOP MERGES {}.{}", identifier(staged), identifier(table.name)));
  }
  server.execute(statements);
}

void attach_parts(const Server& server, const Tag& tag, const Frozen& frozen,
                  const std::string& folder) {
  const Scene scene = look(server, tag);
  std::string moves;
  std::vector<std::string> statements;
  for (const Table& table : frozen.tables) {
    const auto parts = frozen.parts.of(table);
    if (!table.has_parts() || parts.empty()) continue;
    const Table* staged = scene.find(tag.new_of(table.database), table.name);
    if (staged == nullptr || staged->paths.empty())
      throw Error(FBX_IO, fmt::format("ClickHouse does not show the staged {}", table.full_name()));
    moves += fmt::format("{}/{}\n{}/detached\n", folder, table.folder, staged->paths.front());
    for (const auto& [part, rows] : parts)
      statements.push_back(fmt::format("ALTER TABLE {}.{} ATTACH PART {}",
                                       identifier(staged->database), identifier(staged->name),
                                       literal(part)));
  }
  if (statements.empty()) return;
  constexpr const char* script =
      "while IFS= read -r from && IFS= read -r to; do (cd \"$from\" && mv -- * \"$to\") || exit; "
      "done";
  server.run({"sh", "-c", script}, "moving parts", moves);
  try {
    server.execute(statements);
  } catch (const Error& error) {
    if (error.rc() != FBX_IO) throw;
    throw Error(FBX_FAILED, fmt::format("a part cannot be restored: {}", error.what()),
                "use another generation; a server older than the captured one may not know its "
                "parts");
  }
}

std::map<std::string, std::int64_t> compare(const Server& server, const Tag& tag,
                                            const Frozen& frozen) {
  std::map<std::string, std::int64_t> counts = frozen.parts.rows(frozen.tables);
  const Scene scene = look(server, tag);
  for (const Table& table : frozen.tables) {
    if (!table.has_parts()) continue;
    const Table* staged = scene.find(tag.new_of(table.database), table.name);
    const std::int64_t rows = staged == nullptr ? 0 : staged->rows;
    if (rows != counts[table.full_name()])
      throw Error(FBX_FAILED,
                  fmt::format("{} has {} rows once it is restored, the capture {}",
                              table.full_name(), rows, counts[table.full_name()]),
                  "use another generation; see the server's log for why it left parts out");
  }
  return counts;
}

void finish(const Server& server, const Tag& tag, const std::vector<Table>& tables,
            const std::string& root, const std::string& folder) {
  // The server itself attached what may not be on disk yet.
  server.run(
      {"sh", "-c", "rm -rf \"$1\" && { sync -f \"$2\" 2>/dev/null || sync; }", "sh", folder, root},
      "bringing the staged tables to disk");
  std::vector<Table> views;
  for (const Table& table : in_order_of_creation(tables))
    if (table.is_view()) views.push_back(table);
  server.execute(
      {unsign_statement(tag, sign::place), record_statement(tag, sign::new_views, views)});
}

}  // namespace

std::map<std::string, std::int64_t> stage(const Server& server, const Tag& tag, int fd,
                                          const json::object* counts) {
  remove_staged(server, tag);
  check_live(server, look(server, tag));
  try {
    server.execute({fmt::format("CREATE DATABASE {}", identifier(tag.control())),
                    fmt::format("CREATE TABLE {}.{} (x UInt8) ENGINE = MergeTree ORDER BY x",
                                identifier(tag.control()), identifier(sign::place))});
    const Scene scene = look(server, tag);
    const Table* place = scene.find(tag.control(), sign::place);
    if (place == nullptr) throw Error(FBX_IO, "ClickHouse does not show a table that it made");
    const std::string root = place_of(*place).root;
    const std::string folder = unpacked(*place, tag);
    const Frozen frozen = receive(server, fd, root, folder, counts);
    check_captured(server, frozen.tables);
    make_tables(server, tag, frozen.tables);
    attach_parts(server, tag, frozen, folder);
    auto found = compare(server, tag, frozen);
    finish(server, tag, frozen.tables, root, folder);
    return found;
  } catch (...) {
    const std::exception_ptr failed = std::current_exception();
    try {
      remove_staged(server, tag);
    } catch (const std::exception& error) {
      server.op().log(Level::warn, fmt::format("what was staged as {} is not removed: {}",
                                               tag.text(), error.what()));
    }
    std::rethrow_exception(failed);
  }
}

}  // namespace fbx::snapshot
