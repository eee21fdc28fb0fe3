// SPDX-License-Identifier: Apache-2.0
// File descriptors that close themselves.
#pragma once

#include <utility>

namespace fusebox::util {

// Owns one descriptor, or none (-1).
class UniqueFd {
 public:
  UniqueFd() noexcept = default;
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int release() noexcept { return std::exchange(fd_, -1); }
  // Closes what it holds and takes `fd`. Leaves errno alone.
  void reset(int fd = -1) noexcept;

 private:
  int fd_ = -1;
};

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

// Both ends close on exec. Throws Error{io}.
Pipe make_pipe();

// O_NONBLOCK on or off. Throws Error{io}.
void set_nonblocking(int fd, bool on);

}  // namespace fusebox::util
