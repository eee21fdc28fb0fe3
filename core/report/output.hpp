// SPDX-License-Identifier: Apache-2.0
// Where a reporter writes.
#pragma once

#include <string_view>

namespace fusebox::report {

// A borrowed descriptor. Once its reader is gone, what follows is dropped.
class Output {
 public:
  explicit Output(int fd) : fd_(fd) {}
  void write(std::string_view bytes) noexcept;
  int fd() const { return fd_; }

 private:
  int fd_;
  bool closed_ = false;
};

}  // namespace fusebox::report
