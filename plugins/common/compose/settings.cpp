// SPDX-License-Identifier: Apache-2.0
#include "common/compose/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fusebox/plugin.hpp>
#include <set>
#include <utility>

#include "common/compose/lock_file.hpp"

namespace fbx::compose {

namespace {

std::vector<std::string> texts(const json::object& config, std::string_view key) {
  std::vector<std::string> list;
  if (const json::array* array = common::array_at(config, key))
    for (const json::value& item : *array)
      if (item.is_string()) list.emplace_back(item.get_string());
  return list;
}

std::vector<fs::path> paths(const json::object& config, std::string_view key) {
  std::vector<fs::path> list;
  for (std::string& text : texts(config, key)) list.emplace_back(std::move(text));
  return list;
}

// What Compose itself would take in that folder.
std::vector<fs::path> usual_files(const fs::path& folder) {
  constexpr std::array<const char*, 4> names = {"compose.yaml", "compose.yml",
                                                "docker-compose.yaml", "docker-compose.yml"};
  std::error_code ignored;
  for (const char* name : names)
    if (fs::exists(folder / name, ignored)) return {folder / name};
  return {folder / names.back()};
}

// Templates with a secret in them are filled in by the host; other text is text.
json::value environment_value(const json::value& value) {
  if (value.is_string() &&
      std::string_view(value.get_string()).find("${secret:") != std::string_view::npos)
    return json::object{{"$template", value}};
  return value;
}

void add_names(std::string_view text, std::set<std::string>& names) {
  constexpr std::string_view opening = "${secret:";
  for (std::size_t at = 0; (at = text.find(opening, at)) != std::string_view::npos;) {
    at += opening.size();
    const std::size_t end = text.find('}', at);
    if (end == std::string_view::npos) return;
    names.emplace(text.substr(at, end - at));
  }
}

std::string checked_name(std::string name) {
  if (is_project_name(name)) return name;
  throw Error(FBX_CONFIG, fmt::format("\"{}\" is no name for a Compose project", name),
              "use lower-case letters, digits, - and _, and begin with a letter or digit");
}

void name_project(Settings& settings, const common::Context& context) {
  settings.project =
      checked_name(common::text_at(context.config, "project").value_or(context.stack));
  if (context.scratch.empty()) return;
  if (context.scratch == settings.project)
    throw Error(
        FBX_CONFIG,
        fmt::format("a scratch stack cannot be named as the live project, {}", settings.project),
        "give the scratch stack another name");
  settings.live_project = std::exchange(settings.project, checked_name(context.scratch));
}

std::vector<std::vector<std::string>> groups(const json::object& config, std::string_view key) {
  std::vector<std::vector<std::string>> all;
  if (const json::array* list = common::array_at(config, key))
    for (const json::value& group : *list) {
      auto& names = all.emplace_back();
      if (!group.is_array()) continue;
      for (const json::value& name : group.get_array())
        if (name.is_string()) names.emplace_back(name.get_string());
    }
  return all;
}

// Its existence says: brought up without the overlay.
fs::path left_out_mark(const Settings& settings) { return settings.state_dir / "without-overlay"; }

}  // namespace

bool uses_overlay(const Settings& settings) {
  return !settings.overlay.empty() && std::find(settings.files.begin(), settings.files.end(),
                                                settings.overlay.front()) != settings.files.end();
}

Settings with_overlay(Settings settings, std::optional<bool> wanted) {
  std::error_code ignored;
  const bool is_wanted = wanted.value_or(!fs::exists(left_out_mark(settings), ignored));
  if (settings.overlay.empty() || is_wanted == uses_overlay(settings)) return settings;
  if (is_wanted)
    settings.files.insert(settings.files.end(), settings.overlay.begin(), settings.overlay.end());
  else
    settings.files.resize(settings.files.size() - settings.overlay.size());
  return settings;
}

void note_overlay(const Settings& settings, bool is_used) {
  if (settings.overlay.empty()) return;
  if (!is_used) return write_atomically(left_out_mark(settings), "");
  std::error_code error;
  fs::remove(left_out_mark(settings), error);
  if (error)
    throw Error(
        FBX_IO,
        fmt::format("{} cannot be removed: {}", left_out_mark(settings).string(), error.message()),
        "remove it by hand; then the overlay is in use");
}

bool is_project_name(std::string_view name) {
  constexpr std::string_view first = "abcdefghijklmnopqrstuvwxyz0123456789";
  if (name.empty() || first.find(name.front()) == std::string_view::npos) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) {
    return first.find(c) != std::string_view::npos || c == '-' || c == '_';
  });
}

std::vector<std::string> Settings::secrets() const {
  std::set<std::string> names;
  for (const auto& member : environment) {
    if (!member.value().is_object()) continue;
    const json::object& value = member.value().get_object();
    if (const auto name = common::text_at(value, "$secret")) names.insert(*name);
    if (const auto text = common::text_at(value, "$template")) add_names(*text, names);
  }
  return {names.begin(), names.end()};
}

Settings read_settings(const common::Context& context) {
  const json::object& config = context.config;
  Settings settings;
  settings.instance = context.instance;
  settings.stack = context.stack;
  settings.config_dir = context.config_dir;
  settings.state_dir = context.state_dir;
  name_project(settings, context);
  settings.files = paths(config, "files");
  if (settings.files.empty()) settings.files = usual_files(settings.config_dir);
  settings.project_dir =
      common::text_at(config, "project_dir").value_or(settings.files.front().parent_path());
  settings.env_files = paths(config, "env_files");
  if (!context.versions.empty()) settings.versions = context.versions;
  settings.profiles = texts(config, "profiles");
  if (const json::object* environment = common::object_at(config, "environment"))
    for (const auto& member : *environment)
      settings.environment[member.key()] = environment_value(member.value());
  settings.engine = common::text_at(config, "engine").value_or("");
  settings.context = common::text_at(config, "context").value_or("");
  settings.same_version = groups(config, "same_version");
  settings.volumes = texts(config, "volumes");
  settings.refuse_unset = common::text_at(config, "unset_variables").value_or("refuse") == "refuse";
  settings.min_disk =
      static_cast<std::uint64_t>(common::integer_at(config, "min_disk").value_or(0));
  settings.min_memory =
      static_cast<std::uint64_t>(common::integer_at(config, "min_memory").value_or(0));
  if (!settings.is_scratch()) settings.overlay = paths(config, "overlay");
  return with_overlay(std::move(settings), std::nullopt);
}

}  // namespace fbx::compose
