// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <string>

namespace fusebox::test {

// A file to write to, and read back.
class Sink {
 public:
  Sink() : file_(std::tmpfile()) {
    if (file_ == nullptr) throw std::runtime_error("cannot make a temporary file");
  }
  ~Sink() { std::fclose(file_); }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  int fd() const { return ::fileno(file_); }
  std::string text() const {
    struct stat info {};
    ::fstat(fd(), &info);
    std::string text(static_cast<std::size_t>(info.st_size), '\0');
    if (::pread(fd(), text.data(), text.size(), 0) != info.st_size)
      throw std::runtime_error("cannot read a temporary file");
    return text;
  }

 private:
  std::FILE* file_;
};

}  // namespace fusebox::test
