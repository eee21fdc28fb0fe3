// SPDX-License-Identifier: Apache-2.0
// A program of this machine as a filter of a stream: bytes go in, bytes come out, both at once.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <fusebox/plugin.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/io.hpp"

namespace fbx::common {

struct FilterEnd {
  int exit_code = 0;  // 128 + n after signal n
  std::string err;    // what it wrote to stderr, at most what fits a pipe
};

// Borrowed descriptors, in place of a text and of a pipe that wait() empties.
struct FilterStreams {
  int in = -1;
  int err = -1;
};

// The program inherits its three streams, and descriptor 3, from which it reads what is written to
// it; nothing else. Every wait ends by the op's deadline or cancel; a program that was not awaited
// is killed.
class Filter {
 public:
  // command[0] is looked up in PATH. `stdin_text` is all that it gets on stdin: no more than a pipe
  // holds (4096 bytes), so a secret is in no file and no argument. Throws Error{FBX_NOT_FOUND} when
  // there is no such program.
  Filter(const Op& op, std::vector<std::string> command, std::string_view stdin_text,
         const std::string& what);
  // Of any length, both of them: a program that writes more to stderr than a pipe holds goes on.
  Filter(const Op& op, std::vector<std::string> command, FilterStreams streams,
         const std::string& what);
  ~Filter();
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  // Throws Error{FBX_IO} when the program reads no more. Another thread than that which reads.
  void write(std::string_view bytes) const { in_.write(bytes); }
  void close() noexcept { in_fd_.reset(); }  // the end of what it reads

  // Ends it now; wait() or the destructor follows.
  void kill() const noexcept;

  // 0 at the end.
  std::size_t read(std::span<char> room) const { return out_.read(room); }
  // Once read() has said so. Throws as every wait does when the program lives on.
  FilterEnd wait();

 private:
  struct Ends;
  void start(const Op& op, std::vector<std::string>& command, const Ends& ends,
             const std::string& what);

  const Op* op_;
  std::string what_;  // is waited for
  ::pid_t pid_ = -1;  // and its process group
  Fd in_fd_;
  Fd out_fd_;
  Fd err_fd_;
  Stream in_;
  Stream out_;
};

}  // namespace fbx::common
