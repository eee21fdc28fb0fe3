// SPDX-License-Identifier: Apache-2.0
// fusebox.store/1 in a folder: what every store that is a folder shares.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fusebox/plugin.hpp>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/json.hpp"
#include "common/store/generations.hpp"
#include "common/store/packed_file.hpp"

namespace fbx::store {

struct FolderSettings {
  std::filesystem::path root;  // where the stack's generations are
  int level = 3;               // of zstd
  int threads = 0;             // that compress; 0: as many as there are cores, at most 4
  std::uint64_t min_free = 0;  // bytes that a backup leaves free at least
  std::vector<std::string> recipients = {};  // of age, to whom files are encrypted; none: to nobody
  std::string identity{};                    // the secret that opens them; empty: none is known
};
// From the settings level, threads, min_free, encrypt_to and identity; `root` is the stack's folder
// in `folder`.
FolderSettings folder_settings(const common::Context& context, const std::filesystem::path& folder);

// What the root is opened for; what writes makes it where it is missing.
enum class Use { read, write };

class FolderStore : public Store {
 public:
  explicit FolderStore(FolderSettings settings) : settings_(std::move(settings)) {}

  std::string begin(Op& op, std::string_view text) override;
  std::string put(Op& op, std::string_view text, int fd) override;
  std::string commit(Op& op, std::string_view text) override;
  std::string abort(Op& op, std::string_view text) override;
  std::string list(Op& op, std::string_view text) override;
  std::string get(Op& op, std::string_view text, int fd) override;
  std::string verify(Op& op, std::string_view text) override;
  std::string pin(Op& op, std::string_view text) override;
  std::string remove(Op& op, std::string_view text) override;

 protected:
  const FolderSettings& settings() const { return settings_; }
  // The root, held open; none when it is not there and `use` is read.
  virtual common::Folder open_root(const Op& op, Use use) const;

 private:
  // From begin() to commit() or abort().
  struct Begun {
    std::string name;
    Generations generations;
    common::Fd lock;
    std::map<std::string, Packed> put;
  };

  int threads() const;
  // What put() got, to `fd`.
  std::uint64_t open_file(const Op& op, const common::Folder& folder, const std::string& file,
                          const Expected& expected, int fd) const;
  void check_room(const common::Folder& root, std::uint64_t bytes, std::uint64_t stored) const;
  Begun& require_begun(const boost::json::object& request);
  common::Fd lock_unless_begun(const Generations& generations);

  FolderSettings settings_;
  std::mutex mutex_;
  std::optional<Begun> begun_;
};

}  // namespace fbx::store
