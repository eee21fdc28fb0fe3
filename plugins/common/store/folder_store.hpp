// SPDX-License-Identifier: Apache-2.0
// fusebox.store/1 in a folder: what every store that is a folder shares.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fusebox/plugin.hpp>
#include <map>
#include <mutex>
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
};
// From the settings level, threads and min_free; `root` is the stack's folder in `folder`.
FolderSettings folder_settings(const common::Context& context, const std::filesystem::path& folder);

class FolderStore : public Store {
 public:
  explicit FolderStore(FolderSettings settings)
      : settings_(std::move(settings)), generations_(settings_.root) {}

  std::string begin(Op& op, std::string_view text) override;
  std::string put(Op& op, std::string_view text, int fd) override;
  std::string commit(Op& op, std::string_view text) override;
  std::string abort(Op& op, std::string_view text) override;
  std::string list(Op& op, std::string_view text) override;
  std::string get(Op& op, std::string_view text, int fd) override;
  std::string verify(Op& op, std::string_view text) override;
  std::string pin(Op& op, std::string_view text) override;
  std::string remove(Op& op, std::string_view text) override;

 private:
  int threads() const;
  void check_room(std::uint64_t bytes, std::uint64_t stored) const;
  std::string require_begun(const boost::json::object& request);
  // The manifest must tell of exactly what was put: nothing lost on the way, nothing invented.
  void require_same(const std::vector<StoredFile>& files) const;
  std::string problem_of(const Op& op, const Generation& generation, const StoredFile& file) const;
  common::Fd lock_unless_begun();
  void end();

  FolderSettings settings_;
  Generations generations_;
  std::mutex mutex_;
  common::Fd lock_;  // held from begin() to commit() or abort()
  std::string begun_;
  std::map<std::string, Packed> put_;
};

}  // namespace fbx::store
