// SPDX-License-Identifier: Apache-2.0
// Whom we let run code in this process.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

namespace fusebox::plugin {

// Throws Error{denied} when `file`, or a folder on the way to it, belongs to another user than us
// or root, or can be written by others (a sticky folder such as /tmp is let pass for what is
// ours). The check is by the real path, links resolved.
void check_trusted(const std::filesystem::path& file);

// plugins.lock: SHA-256 of library and manifest per plugin id, a TOML file that people may read
// and commit. A plugin that stands in it runs only unchanged.
class PluginLock {
 public:
  struct Pin {
    std::string library_sha256;
    std::string manifest_sha256;
  };

  // An absent file is an empty lock. Throws ConfigError when it is malformed.
  static PluginLock read(const std::filesystem::path& file);
  void write(const std::filesystem::path& file) const;

  void pin(const std::string& id, const std::filesystem::path& library,
           const std::filesystem::path& manifest);
  bool unpin(const std::string& id);
  const std::map<std::string, Pin>& pins() const { return pins_; }

  // Throws Error{denied} when `id` is pinned and the files are not those that were pinned.
  void verify(const std::string& id, const std::filesystem::path& library,
              const std::filesystem::path& manifest) const;

 private:
  std::map<std::string, Pin> pins_;
};

// Folders whose own configuration may name plugin folders, one absolute path a line.
class TrustedFolders {
 public:
  static TrustedFolders read(const std::filesystem::path& file);
  void write(const std::filesystem::path& file) const;
  void add(const std::filesystem::path& folder);
  bool remove(const std::filesystem::path& folder);
  bool contains(const std::filesystem::path& folder) const;

 private:
  std::set<std::string> folders_;
};

}  // namespace fusebox::plugin
