// SPDX-License-Identifier: Apache-2.0
#include "common/io.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "common/folder.hpp"
#include "common/pipe_signal.hpp"

namespace fbx::common {

namespace fs = std::filesystem;

void Fd::reset() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0)
    throw Error(FBX_IO,
                fmt::format("cannot make a pipe: {}", std::generic_category().message(errno)),
                "raise the limit of open files (ulimit -n)");
  Pipe pipe{Fd(ends[0]), Fd(ends[1])};
  for (const int end : ends) ::fcntl(end, F_SETFD, FD_CLOEXEC);
#ifdef F_SETPIPE_SZ
  ::fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);  // fewer switches; the default works as well
#endif
  return pipe;
}

Error io_error(std::string_view doing, const fs::path& path, int error) {
  std::string hint = "check the disk and who owns the folder";
  if (error == ENOSPC || error == EDQUOT)
    hint =
        "make room there: remove old generations with `fusebox backup prune`, or use another "
        "disk";
  if (error == EROFS) hint = "the disk is mounted read-only: check it, then mount it writable";
  return {
      FBX_IO,
      fmt::format("cannot {} {}: {}", doing, path.string(), std::generic_category().message(error)),
      hint};
}

// ---- Streams ------------------------------------------------------------------------------------

Stream::Stream(const Op& op, int fd, std::string what)
    : op_(&op), fd_(fd), what_(std::move(what)) {}

void Stream::wait(short events) const {
  for (;;) {
    op_->check(what_);
    std::array<pollfd, 2> fds{{{fd_, events, 0}, {op_->cancel_fd(), POLLIN, 0}}};
    // Wakes now and then, for the deadline has no descriptor.
    const auto left = op_->remaining().value_or(std::chrono::milliseconds(1000));
    const auto pause = std::clamp<std::int64_t>(left.count(), 1, 1000);
    const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(pause));
    if (ready < 0 && errno != EINTR)
      throw Error(FBX_IO, fmt::format("cannot wait while {}: {}", what_,
                                      std::generic_category().message(errno)));
    if (ready > 0 && fds[0].revents != 0) return;
  }
}

std::size_t Stream::read(std::span<char> room) const {
  for (;;) {
    wait(POLLIN);
    const ssize_t got = ::read(fd_, room.data(), room.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR && errno != EAGAIN)
      throw Error(FBX_IO, fmt::format("cannot read while {}: {}", what_,
                                      std::generic_category().message(errno)));
  }
}

void Stream::write(std::string_view bytes) const {
  while (!bytes.empty()) {
    wait(POLLOUT);
    const PipeSignalGuard guard;
    // poll() promises room for this much in a pipe; more might block past a cancel.
    const ssize_t put = ::write(fd_, bytes.data(), std::min<std::size_t>(bytes.size(), 4096));
    if (put >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno != EINTR && errno != EAGAIN) {
      throw Error(FBX_IO, fmt::format("cannot write while {}: {}", what_,
                                      std::generic_category().message(errno)));
    }
  }
}

std::string read_all(const Op& op, int fd, std::size_t limit, const std::string& what) {
  const Stream stream(op, fd, what);
  std::string text;
  std::array<char, 16384> buffer{};
  while (const std::size_t got = stream.read(buffer)) {
    if (text.size() + got > limit)
      throw Error(FBX_IO, fmt::format("there came more than {} bytes while {}", limit, what));
    text.append(buffer.data(), got);
  }
  return text;
}

// ---- Files --------------------------------------------------------------------------------------

Fd create_file(const fs::path& path) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) throw io_error("create", path, errno);
  return fd;
}

Fd open_file(const fs::path& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) throw io_error("open", path, errno);
  return fd;
}

void write_all(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw io_error("write", path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
}

void sync_file(int fd, const fs::path& path) {
#ifdef F_FULLFSYNC
  if (::fcntl(fd, F_FULLFSYNC) == 0) return;  // macOS: fsync alone leaves it in the drive's cache
#endif
  if (::fsync(fd) != 0) throw io_error("bring to disk", path, errno);
}

void read_from_disk(int fd) {
#ifdef F_NOCACHE
  ::fcntl(fd, F_NOCACHE, 1);
#else
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
#endif
}

void sync_folder(const fs::path& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) throw io_error("open", path, errno);
  if (::fsync(fd.get()) != 0 && errno != EINVAL) throw io_error("bring to disk", path, errno);
}

void write_file(const fs::path& path, std::string_view text) {
  Folder::open(path.parent_path()).write_file(path.filename().string(), text);
}

std::string read_file(const fs::path& path, std::size_t limit) {
  return Folder::open(path.parent_path()).read_file(path.filename().string(), limit);
}

}  // namespace fbx::common
