// SPDX-License-Identifier: Apache-2.0
#include "sys.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/sha.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <common/pipe_signal.hpp>
#include <cstring>
#include <fusebox/plugin.hpp>
#include <system_error>

namespace runtime_process {
namespace {

[[noreturn]] void fail_io(std::string_view what, const fs::path& where, int error) {
  throw fbx::Error(FBX_IO, fmt::format("cannot {} {}: {}", what, where.string(), errno_text(error)),
                   "check the permissions and the free space there");
}

}  // namespace

void Fd::reset() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Pipe make_pipe() {
  std::array<int, 2> ends{};
#if defined(__linux__)
  const int rc = ::pipe2(ends.data(), O_CLOEXEC);
#else
  const int rc = ::pipe(ends.data());
  if (rc == 0)
    for (const int fd : ends) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
#endif
  if (rc != 0)
    throw fbx::Error(FBX_IO, "cannot make a pipe: " + errno_text(errno),
                     "raise the limit of open files (ulimit -n)");
  return {Fd(ends[0]), Fd(ends[1])};
}

void set_nonblocking(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

std::string errno_text(int error) {
  std::string text = std::generic_category().message(error);
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

std::optional<std::string> read_file(const fs::path& file) {
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT) return std::nullopt;
    fail_io("read", file, errno);
  }
  std::string text;
  std::array<char, 16384> buffer{};
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n == 0) return text;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_io("read", file, errno);
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

void write_file_atomic(const fs::path& file, std::string_view text, mode_t mode) {
  const fs::path temp = fmt::format("{}.tmp-{}", file.string(), ::getpid());
  ::unlink(temp.c_str());
  {
    const Fd fd(::open(temp.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!fd) fail_io("create", temp, errno);
    if (::fchmod(fd.get(), mode) != 0 || !write_all(fd.get(), text) || ::fsync(fd.get()) != 0) {
      const int error = errno;
      ::unlink(temp.c_str());
      fail_io("write", temp, error);
    }
  }
  if (::rename(temp.c_str(), file.c_str()) != 0) {
    const int error = errno;
    ::unlink(temp.c_str());
    fail_io("replace", file, error);
  }
  sync_folder(file.parent_path());
}

void sync_folder(const fs::path& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) fail_io("sync the folder", folder, errno);
}

void make_folders(const fs::path& folder, mode_t mode) {
  if (folder.empty() || ::access(folder.c_str(), F_OK) == 0) return;
  make_folders(folder.parent_path(), mode);
  if (::mkdir(folder.c_str(), mode) != 0 && errno != EEXIST) fail_io("create", folder, errno);
  ::chmod(folder.c_str(), mode);
}

void remove_tree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) fail_io("remove", path, error.value());
}

bool write_all(int fd, std::string_view bytes) {
  const fbx::common::PipeSignalGuard guard;
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EPIPE) return false;
    if (n < 0) throw fbx::Error(FBX_IO, "cannot write: " + errno_text(errno), "check the disk");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

std::optional<Fd> try_lock(const fs::path& file) {
  Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) fail_io("open the lock", file, errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno != EWOULDBLOCK) fail_io("lock", file, errno);
  return std::nullopt;
}

std::string format_duration(std::chrono::milliseconds time) {
  if (time.count() < 1000) return fmt::format("{}ms", time.count());
  const double seconds = static_cast<double>(time.count()) / 1000.0;
  return seconds < 120 ? fmt::format("{:.3g}s", seconds) : fmt::format("{:.0f}m", seconds / 60);
}

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  ::SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  std::string hex;
  for (const unsigned char byte : digest) hex += fmt::format("{:02x}", byte);
  return hex;
}

}  // namespace runtime_process
