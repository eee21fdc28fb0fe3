// SPDX-License-Identifier: Apache-2.0
// Descriptors, streams between threads, and files that are on disk when a function says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <fusebox/plugin.hpp>
#include <span>
#include <string>
#include <string_view>

namespace fbx::common {

// Owns a descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  ~Fd() { reset(); }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    reset();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  void reset() noexcept;

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read;
  Fd write;
};
// Not inherited by children; as large as the system lets it be.
Pipe make_pipe();

// What a failed call on `path` is for an operator: FBX_IO, and for a full disk what to do.
Error io_error(std::string_view doing, const std::filesystem::path& path, int error);

// Waits that end by the op's deadline or cancel. Each throws Error with `what` was being done.
class Stream {
 public:
  Stream(const Op& op, int fd, std::string what);

  // Up to `room.size()` bytes; 0 at the end.
  std::size_t read(std::span<char> room) const;
  // All of it. Throws Error{FBX_IO} when the reader is gone.
  void write(std::string_view bytes) const;

 private:
  void wait(short events) const;
  const Op* op_;
  int fd_;
  std::string what_;
};

// Everything from `fd` to its end, at most `limit` bytes; what is more is an Error{FBX_IO}.
std::string read_all(const Op& op, int fd, std::size_t limit, const std::string& what);

Fd create_file(const std::filesystem::path& path);  // 0600, must not exist
Fd open_file(const std::filesystem::path& path);    // for reading
void write_all(int fd, std::string_view bytes, const std::filesystem::path& path);
void sync_file(int fd, const std::filesystem::path& path);
// What is read from `fd` next comes from the disk itself, as far as the system can be told; what
// was written must have been synced.
void read_from_disk(int fd);
void sync_folder(const std::filesystem::path& path);
// Temp name, fsync, rename, fsync of the folder: the old content or the new, never a part.
void write_file(const std::filesystem::path& path, std::string_view text);
std::string read_file(const std::filesystem::path& path, std::size_t limit);

}  // namespace fbx::common
