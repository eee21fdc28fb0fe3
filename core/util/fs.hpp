// SPDX-License-Identifier: Apache-2.0
// Files that are there whole or not at all, also after a power cut.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "util/fd.hpp"

namespace fusebox::util {

// All functions throw Error with the path and the reason.

// The whole file. A file past `max_bytes` is Error{argument}: nothing of ours is that large.
std::string read_file(const std::filesystem::path& path, std::size_t max_bytes);

// Replaces `path` in one step: a temporary file in the same folder, fsync, rename, fsync of the
// folder. On failure `path` is as it was and nothing else is left.
void write_file_atomic(const std::filesystem::path& path, std::string_view content, mode_t mode);

// Makes `path` in one step, with that content; false when something of that name is there: it is
// never replaced.
bool write_new_file(const std::filesystem::path& path, std::string_view content, mode_t mode);

// Makes the names in a folder durable.
void fsync_dir(const std::filesystem::path& dir);

// Creates `path` and what is missing above it, mode 0700. What is there already keeps its mode.
void make_private_dirs(const std::filesystem::path& path);

// A file that only grows, for journals: when append() returned, the bytes are on disk.
class AppendFile {
 public:
  // Opens or creates it; the new name is durable then.
  AppendFile(const std::filesystem::path& path, mode_t mode);

  // One write, then fdatasync. A partial write (disk full) is taken back before it throws.
  void append(std::string_view bytes);
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
  UniqueFd fd_;
};

// Lower-case hex digests.
std::string sha256_hex(std::string_view bytes);
std::string sha256_hex_file(const std::filesystem::path& path);

}  // namespace fusebox::util
