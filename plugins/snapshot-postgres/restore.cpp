// SPDX-License-Identifier: Apache-2.0
#include "restore.hpp"

#include <fmt/format.h>

#include <charconv>

#include "common/result.hpp"

namespace fbx::snapshot {

namespace {

namespace json = boost::json;

constexpr int kAttempts = 4;

std::int64_t number(const std::string& text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// A server that runs out of disk stops, the live database with it.
void require_room(const Op& op, const Psql& psql, const std::string& folder,
                  const json::object& facts) {
  const std::int64_t bytes = number(common::text_at(facts, "database_bytes").value_or("0"));
  if (bytes == 0 || folder.empty()) return;
  const auto finished =
      common::run_beside(op, {psql.service(), {"df", "-P", "-k", folder}, {}, {}, -1});
  const auto told = fields_of(finished.out);
  if (finished.exit_code != 0 || told.empty()) return;
  // "/dev/sda1 1000 400 600 40% /data"
  std::vector<std::string> words;
  std::string_view line = told.back().front();
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    if (end > 0) words.emplace_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  if (words.size() < 6) return;
  const std::int64_t free = number(words[3]) * 1024;
  const std::int64_t needed = bytes + bytes / 4;
  if (free >= needed) return;
  throw Error(FBX_IO,
              fmt::format("{} has {} free, and a second copy of {} takes about {}", psql.service(),
                          common::human_size(static_cast<double>(free)), psql.database(),
                          common::human_size(static_cast<double>(needed))),
              "make room where the server keeps its data, and try again");
}

// Owners and privileges are brought back where every role that they name is there.
std::vector<std::string> restore_command(const Op& op, const std::string& missing) {
  std::vector<std::string> command{"pg_restore", "--exit-on-error", "--no-password"};
  if (missing.empty()) return command;
  op.log(Level::warn,
         fmt::format("the server lacks the roles {}: what is restored belongs to the role that "
                     "restores it, without privileges for others",
                     missing));
  command.insert(command.end(), {"--no-owner", "--no-privileges"});
  return command;
}

void fill(const Op& op, const Psql& psql, const std::string& database,
          std::vector<std::string> command, int fd) {
  command.push_back("--dbname=" + database);
  common::Program program = psql.program(database, std::move(command));
  program.stdin_fd = fd;
  const auto finished = common::run_beside(op, program);
  if (finished.exit_code == 0) return;
  throw Error(
      FBX_FAILED,
      fmt::format("pg_restore cannot restore the dump: {}", common::last_line(finished.err)),
      "nothing was changed; use another generation, or a server of its version or newer");
}

// What was staged, and what is left of one that was not staged whole.
void remove_staged(const Databases& databases, const Names& names,
                   const std::set<std::string>& there) {
  if (there.count(names.partial) != 0) databases.drop(names.partial);
  if (there.count(names.staged) == 0) return;
  databases.rename({{names.staged, names.partial}});
  databases.drop(names.partial);
}

Error settling(const Names& names) {
  return {FBX_CONFLICT,
          fmt::format("the old data of {} is being removed, and no longer whole", names.live),
          "go on with the restored data: turn it to \"settled\""};
}

void turn_new(const Databases& databases, const Names& names, const std::set<std::string>& there) {
  const bool staged = there.count(names.staged) != 0;
  const bool old = there.count(names.old) != 0;
  if (!staged && old && there.count(names.live) != 0) return;
  if (!staged)
    throw Error(FBX_NOT_FOUND, fmt::format("nothing is staged for {}", names.live),
                "stage a generation first");
  Databases::Renames renames;
  if (there.count(names.live) != 0) renames.emplace_back(names.live, names.old);
  renames.emplace_back(names.staged, names.live);
  databases.rename(renames);
}

void turn_old(const Databases& databases, const Names& names, const std::set<std::string>& there) {
  if (there.count(names.dropped) != 0) throw settling(names);
  remove_staged(databases, names, there);
  if (there.count(names.old) == 0) return;
  Databases::Renames renames;
  const bool live = there.count(names.live) != 0;
  if (live) renames.emplace_back(names.live, names.partial);
  renames.emplace_back(names.old, names.live);
  databases.rename(renames);
  if (live) databases.drop(names.partial);
}

void turn_settled(const Databases& databases, const Names& names,
                  const std::set<std::string>& there) {
  if (there.count(names.staged) != 0)
    throw Error(FBX_CONFLICT, fmt::format("what is staged for {} is not live", names.live),
                "turn it to \"new\" first, or to \"old\" to give it up");
  if (there.count(names.dropped) != 0) databases.drop(names.dropped);
  if (there.count(names.old) != 0) {
    databases.rename({{names.old, names.dropped}});
    databases.drop(names.dropped);
  }
  if (there.count(names.partial) != 0) databases.drop(names.partial);
}

void turn_once(const Databases& databases, const Names& names, const std::set<std::string>& there,
               std::string_view to) {
  if (to == "new") return turn_new(databases, names, there);
  if (to == "old") return turn_old(databases, names, there);
  if (to == "settled") return turn_settled(databases, names, there);
  throw Error(FBX_ARGUMENT, fmt::format("data cannot be turned to \"{}\"", to));
}

}  // namespace

Told count_contents(const Op& op, const Psql& psql, const std::string& database,
                    std::optional<DigestRows> digest, std::string_view then) {
  const auto finished = common::run_beside(
      op, psql.script(database, fmt::format("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n"
                                            "{}COMMIT;\n{}",
                                            contents_script(digest), then)));
  common::require_success(finished, fmt::format("counting rows beside {}", psql.service()),
                          "check the server, the role and the database: `fusebox health`");
  Told told = read_told(finished.out);
  if (!told.whole)
    throw Error(FBX_IO, fmt::format("psql beside {} did not count every table", psql.service()),
                "try again; see the server's log");
  return told;
}

Told stage(const Op& op, const Psql& psql, const Names& names, const json::object& counts,
           const json::object& facts, int fd) {
  const Databases databases(op, psql);
  const auto there = databases.existing(names);
  if (there.count(names.old) != 0 || there.count(names.dropped) != 0)
    throw Error(FBX_CONFLICT,
                fmt::format("what this restore staged for {} is live already", names.live),
                "turn it to \"old\" or \"settled\" first");
  if (there.count(names.live) == 0)
    throw Error(FBX_NOT_FOUND, fmt::format("there is no database {}", names.live),
                "create an empty one: its encoding, locale and owner are what the restored one "
                "gets");
  remove_staged(databases, names, there);
  const auto place = databases.look(common::text_at(facts, "roles").value_or("[]"));
  require_room(op, psql, place.data_folder, facts);
  try {
    databases.create(names.partial, names.live);
    fill(op, psql, names.partial, restore_command(op, place.missing_roles), fd);
    // A dump has no statistics: without them, the first queries would read whole tables.
    Told told = count_contents(op, psql, names.partial, std::nullopt, "ANALYZE;\n");
    if (const std::string wrong = difference(counts, told.counts); !wrong.empty())
      throw Error(FBX_FAILED,
                  fmt::format("the restored {} is not what was captured: {}", names.live, wrong),
                  "nothing was changed; use another generation");
    databases.finish(names.partial, names.staged, names.live);
    return told;
  } catch (...) {
    try {
      databases.drop(names.partial);
    } catch (const std::exception& error) {
      op.log(Level::warn, fmt::format("{} is left, and goes with the next restore of this tag: {}",
                                      names.partial, error.what()));
    }
    throw;
  }
}

void turn(const Op& op, const Psql& psql, const Names& names, std::string_view to) {
  const Databases databases(op, psql);
  // What a killed run left on its way to the server may still change databases between the look
  // and the deed.
  for (int attempt = 1;; ++attempt) {
    const auto there = databases.existing(names);
    try {
      return turn_once(databases, names, there, to);
    } catch (const Error&) {
      if (attempt == kAttempts || databases.existing(names) == there) throw;
    }
  }
}

}  // namespace fbx::snapshot
