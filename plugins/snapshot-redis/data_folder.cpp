// SPDX-License-Identifier: Apache-2.0
#include "data_folder.hpp"

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <sstream>
#include <vector>

#include "common/json.hpp"

namespace fbx::snapshot {

namespace {

namespace json = boost::json;

constexpr int kFirstWithManifest = 7;
constexpr const char* kMendAsking =
    "check that the server runs, that the password is right, and that its user may use CONFIG GET "
    "and INFO";

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(std::move(line));
  }
  return lines;
}

std::int64_t number_in(std::string_view text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// "drwxr-xr-x" -> 0755
unsigned mode_of(std::string_view letters) {
  unsigned mode = 0;
  for (std::size_t i = 1; i < 10 && i < letters.size(); ++i)
    mode = mode << 1U | (letters[i] == '-' || letters[i] == 'S' || letters[i] == 'T' ? 0U : 1U);
  return mode;
}

// POSIX's ls: a minimal image may have no stat.
void ask_owner(const Op& op, const std::string& service, const std::string& folder,
               DataFolder& out) {
  const auto listed = common::run_beside(op, {service, {"ls", "-ldn", folder}, {}, {}, -1});
  common::require_success(listed, fmt::format("ls of {} beside {}", folder, service));
  std::istringstream in(listed.out);
  std::string letters;
  std::string links;
  if (!(in >> letters >> links >> out.owner.uid >> out.owner.gid) || letters.size() < 10)
    throw Error(FBX_IO, fmt::format("cannot tell who owns {} beside {}: ls says \"{}\"", folder,
                                    service, common::last_line(listed.out)));
  out.mode = mode_of(letters);
}

}  // namespace

DataFolder DataFolder::ask(const Op& op, const Redis& redis) {
  const common::Program program =
      redis("CONFIG GET dir\nCONFIG GET dbfilename\nCONFIG GET append*\nINFO server\n");
  const auto answered = common::run_beside(op, program);
  common::require_success(answered, fmt::format("redis-cli beside {}", program.service),
                          kMendAsking);
  std::map<std::string, std::string> settings;
  const auto lines = lines_of(answered.out);
  constexpr std::string_view version_key = "redis_version:";
  DataFolder folder;
  std::size_t i = 0;
  for (; i + 1 < lines.size() && !lines[i].starts_with('#'); i += 2)
    settings[lines[i]] = lines[i + 1];
  for (; i < lines.size(); ++i)
    if (lines[i].starts_with(version_key)) folder.version = lines[i].substr(version_key.size());
  const auto need = [&](const char* name) {
    if (const auto found = settings.find(name); found != settings.end()) return found->second;
    throw Error(FBX_IO, fmt::format("{} does not tell its setting {}", program.service, name),
                kMendAsking);
  };
  folder.append_only = need("appendonly") == "yes";
  folder.rdb_name = need("dbfilename");
  folder.aof_name = settings["appendfilename"];
  folder.aof_folder = settings["appenddirname"];
  ask_owner(op, program.service, need("dir"), folder);
  return folder;
}

json::object DataFolder::facts() const {
  return {{"server", version},          {"appendonly", append_only ? "yes" : "no"},
          {"dbfilename", rdb_name},     {"appenddirname", aof_folder},
          {"appendfilename", aof_name}, {"uid", owner.uid},
          {"gid", owner.gid},           {"mode", mode}};
}

std::optional<DataFolder> DataFolder::from_facts(const json::object& facts) {
  const auto version = common::text_at(facts, "server");
  const auto rdb = common::text_at(facts, "dbfilename");
  if (!version || !rdb) return std::nullopt;
  const auto number = [&](const char* key, std::int64_t otherwise) {
    return common::integer_at(facts, key).value_or(otherwise);
  };
  return DataFolder{*version,
                    common::text_at(facts, "appendonly") == "yes",
                    *rdb,
                    common::text_at(facts, "appenddirname").value_or(""),
                    common::text_at(facts, "appendfilename").value_or(""),
                    {number("uid", 0), number("gid", 0)},
                    static_cast<unsigned>(number("mode", 0755))};
}

void DataFolder::require_restorable() const {
  if (!append_only || number_in(version) >= kFirstWithManifest) return;
  throw Error(
      FBX_UNSUPPORTED,
      fmt::format("Redis {} with appendonly yes cannot be restored beside its data", version),
      "update it to Redis 7, or restore by hand as the generation's RESTORE.txt says");
}

void DataFolder::write_tar(
    const std::function<void(std::string_view)>& push, std::uint64_t size,
    const std::function<void(const std::function<void(std::string_view)>&)>& content) const {
  common::TarWriter tar(push);
  tar.folder(".", owner, mode);
  tar.file(rdb_name, owner, 0600, size);
  content([&](std::string_view bytes) { tar.add(bytes); });
  if (!aof_folder.empty() && !aof_name.empty()) {
    const std::string base = aof_name + ".1.base.rdb";
    const std::string manifest = fmt::format("file {} seq 1 type b\n", base);
    tar.folder(aof_folder, owner, 0700);
    tar.hard_link(fmt::format("{}/{}", aof_folder, base), rdb_name, owner, 0600);
    tar.file(fmt::format("{}/{}.manifest", aof_folder, aof_name), owner, 0600, manifest.size());
    tar.add(manifest);
  }
  tar.finish();
}

}  // namespace fbx::snapshot
