// SPDX-License-Identifier: Apache-2.0
// A file that only its owner may read: checked before each use, grown atomically.
#pragma once

#include <fusebox/plugin.hpp>
#include "common/wiped.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace secrets_file {

class SecretFile {
 public:
  explicit SecretFile(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const noexcept { return path_; }

  // The content; nothing when there is no such file. Throws FBX_DENIED when the file is not ours or
  // others may read it, with the command that mends it; FBX_CONFIG when it is no regular file.
  std::optional<fbx::common::WipedText> read() const;

  // Replaces the file by `content` in one step that survives a crash: a new file of mode 0600
  // beside it, fsync, rename, fsync of the folder. Makes the folder (0700) when it is missing.
  // Hold the lock.
  void replace(const fbx::common::WipedText& content) const;

  // Makes the folder that the file is to be in, mode 0700.
  void make_folder() const;

  // A lock file beside the file; it holds nothing and stays.
  std::filesystem::path lock_path() const;

 private:
  std::filesystem::path target() const;
  void remove_leftovers(const std::filesystem::path& target) const;

  std::filesystem::path path_;
};

// One writer at a time, also across processes. The kernel frees it when the process ends. Waits
// within the op's deadline, at most 30 s.
class FileLock {
 public:
  FileLock(const std::filesystem::path& path, const fbx::Op& op);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int fd_ = -1;
};

// `text` as one word of a shell command.
std::string shell_word(const std::string& text);

}  // namespace secrets_file
