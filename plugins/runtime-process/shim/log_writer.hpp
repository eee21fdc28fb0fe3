// SPDX-License-Identifier: Apache-2.0
// A service's log: one line each, with its time and stream, in files of bounded size.
//
//   2026-11-23T10:00:00.123Z stdout ready to accept connections
//
// The newest is <name>.log, the ones before it <name>.log.1, .2 and so on.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../sys.hpp"

namespace runtime_process::shim {

// Never throws on a full disk: a service must not stop because its log cannot be written.
class LogWriter {
 public:
  // `files`: how many to keep, the current one included.
  LogWriter(fs::path file, std::uint64_t max_size, int files, std::vector<std::string> redact);

  // Takes what came from a stream: whole lines are written, the rest waits for more.
  void take(std::string_view stream, std::string_view bytes);

  // Writes what waits, although its line did not end.
  void flush();

 private:
  struct Stream {
    std::string name;
    std::string waiting;
  };
  void write_line(std::string_view stream, std::string_view line);
  void open();
  void rotate();

  fs::path file_;
  std::uint64_t max_size_;
  int files_;
  std::vector<std::string> redact_;
  std::vector<Stream> streams_;
  Fd fd_;
  std::uint64_t size_ = 0;
};

}  // namespace runtime_process::shim
