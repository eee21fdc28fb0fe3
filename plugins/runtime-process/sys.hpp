// SPDX-License-Identifier: Apache-2.0
// Descriptors, files and clocks: the few system calls that the rest of this plugin needs.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <common/time_text.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace runtime_process {

namespace fs = std::filesystem;

// Owns one descriptor; -1: none.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  ~Fd() { reset(); }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
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

// Both ends are closed on exec. Throws fbx::Error{io}.
Pipe make_pipe();
void set_nonblocking(int fd);

// The text of an errno value: "permission denied".
std::string errno_text(int error);

// Nothing when the file does not exist; throws fbx::Error{io} when it cannot be read.
std::optional<std::string> read_file(const fs::path& file);

// Temp file, fsync, rename, fsync of the folder. Throws fbx::Error{io}.
void write_file_atomic(const fs::path& file, std::string_view text, mode_t mode = 0600);

// Makes what was renamed into or out of the folder lasting. Throws fbx::Error{io}.
void sync_folder(const fs::path& folder);

// Makes the folder and its missing parents; `mode` is that of each one made here.
void make_folders(const fs::path& folder, mode_t mode);

// Removes a file or tree; no error when it is not there. Throws fbx::Error{io} with the place.
void remove_tree(const fs::path& path);

// Writes all of it; false when the other end is gone. Throws on other errors.
bool write_all(int fd, std::string_view bytes);

// An exclusive lock on a file, held by everyone who has a copy of the descriptor and released by
// the kernel when the last copy is closed. Nothing when somebody else holds it.
std::optional<Fd> try_lock(const fs::path& file);

using fbx::common::format_time;
using fbx::common::parse_duration;
using fbx::common::parse_time;
using fbx::common::SystemTime;

// 1500 -> "1.5s"
std::string format_duration(std::chrono::milliseconds time);

// Lower-case hexadecimal.
std::string sha256_hex(std::string_view bytes);

}  // namespace runtime_process
