// SPDX-License-Identifier: Apache-2.0
#include "session.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>

#include "common/io.hpp"
#include "common/json.hpp"

namespace fbx::backup {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t kMaxSize = 1U << 20U;

fs::path file_in(const std::string& state_dir) { return fs::path(state_dir) / "restore.json"; }

}  // namespace

std::string Session::tag() const {
  std::string text;
  for (const char c : run) {
    if (c >= 'A' && c <= 'Z') text += static_cast<char>(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) text += c;
  }
  return text;
}

std::optional<Session> read_session(const std::string& state_dir) {
  const fs::path file = file_in(state_dir);
  if (!fs::exists(file)) return std::nullopt;
  const auto object =
      common::parse_object(common::read_file(file, kMaxSize), file.string(), FBX_IO);
  Session session{common::need_text(object, "run"),       common::need_text(object, "generation"),
                  common::need_text(object, "started"),   {},
                  common::need_boolean(object, "staged"), common::need_boolean(object, "settling")};
  if (const auto* list = common::array_at(object, "targets"))
    for (const json::value& item : *list)
      session.targets.push_back({common::need_text(item.as_object(), "source"),
                                 common::need_text(item.as_object(), "instance")});
  return session;
}

void write_session(const std::string& state_dir, const Session& session) {
  json::array targets;
  for (const Target& target : session.targets)
    targets.push_back({{"source", target.source}, {"instance", target.instance}});
  fs::create_directories(state_dir);
  common::write_file(file_in(state_dir),
                     json::serialize(json::object{{"run", session.run},
                                                  {"generation", session.generation},
                                                  {"started", session.started},
                                                  {"targets", std::move(targets)},
                                                  {"staged", session.staged},
                                                  {"settling", session.settling}}) +
                         "\n");
}

void remove_session(const std::string& state_dir) {
  fs::remove(file_in(state_dir));
  if (fs::exists(state_dir)) common::sync_folder(state_dir);
}

}  // namespace fbx::backup
