// SPDX-License-Identifier: Apache-2.0
#include "programs.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <common/filter.hpp>
#include <common/io.hpp>
#include <cstdio>
#include <memory>

namespace fusebox::scan {

namespace {

constexpr std::size_t kMaxError = std::size_t{64} << 10U;

struct CloseFile {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using FilePtr = std::unique_ptr<std::FILE, CloseFile>;

// Without a name, so that it goes when it is closed.
FilePtr nameless_file() {
  FilePtr file(std::tmpfile());
  if (file == nullptr)
    throw fbx::Error(FBX_IO, "there is no room for a temporary file", "free some in /tmp");
  ::fcntl(::fileno(file.get()), F_SETFD, FD_CLOEXEC);
  return file;
}

class FilterProgram final : public Program {
 public:
  FilterProgram(const fbx::Op& op, std::vector<std::string> command, std::string_view stdin_text)
      : in_(nameless_file()),
        err_(nameless_file()),
        filter_(op, command, streams(stdin_text), "running " + command.front()) {}

  std::size_t read(std::span<char> room) override { return filter_.read(room); }

  End wait() override {
    End end{filter_.wait().exit_code, std::string(kMaxError, '\0')};
    const ::ssize_t got = ::pread(::fileno(err_.get()), end.err.data(), end.err.size(), 0);
    end.err.resize(static_cast<std::size_t>(std::max<::ssize_t>(got, 0)));
    return end;
  }

 private:
  fbx::common::FilterStreams streams(std::string_view stdin_text) const {
    const int fd = ::fileno(in_.get());
    fbx::common::write_all(fd, stdin_text, "a temporary file");
    ::lseek(fd, 0, SEEK_SET);
    return {fd, ::fileno(err_.get())};
  }

  FilePtr in_;
  FilePtr err_;
  fbx::common::Filter filter_;
};

}  // namespace

StartProgram program_starter(const fbx::Op& op) {
  return [&op](std::vector<std::string> command, std::string stdin_text) {
    return std::make_unique<FilterProgram>(op, std::move(command), stdin_text);
  };
}

}  // namespace fusebox::scan
