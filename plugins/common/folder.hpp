// SPDX-License-Identifier: Apache-2.0
// A folder that is held open: what is done in it goes there and nowhere else, also when its path
// means another one by now, because a drive went away or something was mounted over it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/io.hpp"

namespace fbx::common {

// Names are plain: one file or folder in this one. Symbolic links are not followed.
class Folder {
 public:
  Folder() = default;  // none
  static Folder open(const std::filesystem::path& path);
  // None when there is nothing of that name.
  static Folder open_if_there(const std::filesystem::path& path);

  explicit operator bool() const noexcept { return static_cast<bool>(fd_); }
  int fd() const noexcept { return fd_.get(); }
  // As it was called when it was opened: for messages.
  const std::filesystem::path& path() const { return path_; }

  Folder subfolder(const std::string& name) const;
  Folder subfolder_if_there(const std::string& name) const;
  Folder make_subfolder(const std::string& name) const;  // 0700; may be there already
  std::vector<std::string> names() const;                // sorted
  bool contains(const std::string& name) const;
  // Nothing when it is no regular file, or not there.
  std::optional<std::uint64_t> file_size(const std::string& name) const;

  Fd create_file(const std::string& name) const;  // 0600, must not exist
  Fd open_file(const std::string& name) const;    // for reading
  Fd append_to(const std::string& name) const;    // 0600, made where it is missing
  std::string read_file(const std::string& name, std::size_t limit) const;
  // Temp name, fsync, rename, fsync of the folder: the old content or the new, never a part.
  void write_file(const std::string& name, std::string_view text) const;

  void rename(const std::string& from, const std::string& to) const;
  void remove(const std::string& name) const;  // with all that is in it; may be gone already
  void sync() const;
  std::uint64_t free_bytes() const;  // to ordinary users, of its file system

 private:
  Folder(Fd fd, std::filesystem::path path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Fd fd_;
  std::filesystem::path path_;
};

// Of the file system that `path`, or the nearest folder above, is on.
std::uint64_t free_bytes(std::filesystem::path path);

}  // namespace fbx::common
