// SPDX-License-Identifier: Apache-2.0
#include "plugin/trust.hpp"

#include "config/config.hpp"
#include "config/config_error.hpp"
#include "util/error.hpp"
#include "util/fs.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

namespace fusebox::plugin {
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMaxLockFile = 1 << 20;

void check_one(const fs::path& path, bool is_parent) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) throw system_error("cannot examine", path.string(), errno);
  if (st.st_uid != 0 && st.st_uid != ::geteuid())
    throw Error(
        Errc::denied,
        fmt::format("{} belongs to user {}, neither to you nor to root", path.string(), st.st_uid),
        fmt::format("if you trust it: chown it to yourself, or install the plugin elsewhere"));
  const bool others_write = (st.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  const bool sticky = is_parent && (st.st_mode & S_ISVTX) != 0;
  if (others_write && !sticky)
    throw Error(Errc::denied,
                fmt::format("{} can be written by others (mode {:04o})", path.string(),
                            st.st_mode & 07777U),
                fmt::format("chmod go-w '{}'", path.string()));
}

config::Problem unfit(const config::Origin& origin, std::string what) {
  return {origin, std::move(what), "run `fusebox plugins trust <id>` again to write it anew"};
}

}  // namespace

void check_trusted(const fs::path& file) {
  std::error_code ec;
  const fs::path real = fs::canonical(file, ec);
  if (ec) throw system_error("cannot find", file.string(), ec.value());
  check_one(real, false);
  for (fs::path dir = real.parent_path();; dir = dir.parent_path()) {
    check_one(dir, true);
    if (dir == dir.root_path()) break;
  }
}

PluginLock PluginLock::read(const fs::path& file) {
  PluginLock lock;
  if (!fs::exists(file)) return lock;
  const config::Value root = config::parse_toml(util::read_file(file, kMaxLockFile), file.string());
  std::vector<config::Problem> problems;
  const config::Value* plugins = root.get_if<config::Table>()->find("plugins");
  if (plugins != nullptr && plugins->get_if<config::Table>() != nullptr) {
    for (const auto& [id, entry] : *plugins->get_if<config::Table>()) {
      const auto* table = entry.get_if<config::Table>();
      const config::Value* library = table != nullptr ? table->find("library_sha256") : nullptr;
      const config::Value* manifest = table != nullptr ? table->find("manifest_sha256") : nullptr;
      if (library == nullptr || manifest == nullptr || !library->get_if<std::string>() ||
          !manifest->get_if<std::string>()) {
        problems.push_back(
            unfit(entry.origin,
                  fmt::format("[plugins.{}] needs library_sha256 and manifest_sha256", id)));
        continue;
      }
      lock.pins_[id] = {*library->get_if<std::string>(), *manifest->get_if<std::string>()};
    }
  } else if (plugins != nullptr) {
    problems.push_back(unfit(plugins->origin, "\"plugins\" must be a table"));
  }
  if (!problems.empty()) throw config::ConfigError(std::move(problems));
  return lock;
}

void PluginLock::write(const fs::path& file) const {
  std::string text = "# Written by `fusebox plugins trust`: these plugins run only unchanged.\n";
  for (const auto& [id, pin] : pins_)
    text += fmt::format("\n[plugins.{}]\nlibrary_sha256 = \"{}\"\nmanifest_sha256 = \"{}\"\n", id,
                        pin.library_sha256, pin.manifest_sha256);
  util::write_file_atomic(file, text, 0644);
}

void PluginLock::pin(const std::string& id, const fs::path& library, const fs::path& manifest) {
  pins_[id] = {util::sha256_hex_file(library), util::sha256_hex_file(manifest)};
}

bool PluginLock::unpin(const std::string& id) { return pins_.erase(id) != 0; }

void PluginLock::verify(const std::string& id, const fs::path& library,
                        const fs::path& manifest) const {
  const auto pin = pins_.find(id);
  if (pin == pins_.end()) return;
  const auto check = [&](const fs::path& file, const std::string& expected) {
    if (util::sha256_hex_file(file) != expected)
      throw Error(
          Errc::denied,
          fmt::format("{} is not the file that was trusted as plugin \"{}\"", file.string(), id),
          fmt::format("if you changed it yourself: fusebox plugins trust {}", id));
  };
  check(library, pin->second.library_sha256);
  check(manifest, pin->second.manifest_sha256);
}

TrustedFolders TrustedFolders::read(const fs::path& file) {
  TrustedFolders trusted;
  if (!fs::exists(file)) return trusted;
  check_trusted(file);
  std::istringstream lines(util::read_file(file, kMaxLockFile));
  for (std::string line; std::getline(lines, line);)
    if (!line.empty() && line.front() == '/') trusted.folders_.insert(line);
  return trusted;
}

void TrustedFolders::write(const fs::path& file) const {
  std::string text;
  for (const std::string& folder : folders_) text += folder + "\n";
  util::make_private_dirs(file.parent_path());
  util::write_file_atomic(file, text, 0600);
}

void TrustedFolders::add(const fs::path& folder) {
  folders_.insert(fs::canonical(folder).string());
}

bool TrustedFolders::remove(const fs::path& folder) {
  return folders_.erase(fs::weakly_canonical(folder).string()) != 0;
}

bool TrustedFolders::contains(const fs::path& folder) const {
  return folders_.contains(fs::weakly_canonical(folder).string());
}

}  // namespace fusebox::plugin
