// SPDX-License-Identifier: Apache-2.0
#include "common/compose/applied.hpp"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdint>
#include <fusebox/plugin.hpp>

#include "common/compose/lock_file.hpp"
#include "common/compose/settings.hpp"

namespace fbx::compose {

namespace {

fs::path folder(const Settings& settings) { return settings.state_dir / "applied"; }
fs::path list_file(const Settings& settings) { return folder(settings) / "services.json"; }

std::vector<std::string> contents(const Settings& settings) {
  std::vector<std::string> texts;
  for (const fs::path& file : settings.files) texts.push_back(read_text(file));
  return texts;
}

// FNV-1a: names a folder, guards nothing.
std::string key_of(const std::vector<std::string>& texts) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const std::string& text : texts)
    for (const char c : text + '\0') hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return fmt::format("{:016x}", hash);
}

fs::path kept_file(const Settings& settings, const std::string& key, std::size_t index) {
  return folder(settings) / key / fmt::format("{}.yml", index);
}

}  // namespace

Applied::Applied(const Settings& settings) : settings_(settings) {
  std::error_code error;
  if (!fs::exists(list_file(settings), error)) return;
  json::error_code bad;
  const json::value list = json::parse(read_text(list_file(settings)), bad);
  if (bad || !list.is_object()) return;  // it only makes undo better
  for (const auto& member : list.get_object())
    if (member.value().is_string())
      keys_[std::string(member.key())] = std::string(member.value().get_string());
}

std::string Applied::of(std::string_view service) const {
  const auto it = keys_.find(std::string(service));
  return it == keys_.end() ? "" : it->second;
}

void Applied::note(const std::vector<std::string>& services) {
  const auto texts = contents(settings_);
  const std::string key = key_of(texts);
  fs::create_directories(folder(settings_) / key);
  fs::permissions(settings_.state_dir, fs::perms::owner_all);
  for (std::size_t i = 0; i < texts.size(); ++i)
    write_atomically(kept_file(settings_, key, i), texts[i]);
  for (const std::string& service : services) keys_[service] = key;
  save();
}

void Applied::note(std::string_view service, const std::string& key) {
  if (key.empty())
    keys_.erase(std::string(service));
  else
    keys_[std::string(service)] = key;
  save();
}

std::vector<fs::path> Applied::files(const std::string& key) const {
  std::vector<fs::path> kept;
  if (key.empty() || key == key_of(contents(settings_))) return kept;
  std::error_code error;
  while (fs::exists(kept_file(settings_, key, kept.size()), error))
    kept.push_back(kept_file(settings_, key, kept.size()));
  return kept;
}

void Applied::save() const {
  json::object list;
  for (const auto& [service, key] : keys_) list[service] = key;
  fs::create_directories(folder(settings_));
  write_atomically(list_file(settings_), json::serialize(list));
}

}  // namespace fbx::compose
