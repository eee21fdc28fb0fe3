// SPDX-License-Identifier: Apache-2.0
#include "util/fs.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <vector>

#include "util/error.hpp"

namespace fusebox::util {

namespace {

namespace fs = std::filesystem;

UniqueFd open_or_throw(const fs::path& path, int flags, mode_t mode = 0) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) throw system_error("open", path.native(), errno);
  return UniqueFd(fd);
}

void write_all(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      throw system_error("write", path.native(), errno);
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void sync_fd(int fd, const fs::path& path) {
#if defined(__APPLE__)
  // fsync on macOS stops at the drive's cache.
  if (::fcntl(fd, F_FULLFSYNC) == 0) return;
#endif
  if (::fsync(fd) != 0) throw system_error("fsync", path.native(), errno);
}

void sync_data(int fd, const fs::path& path) {
#if defined(__linux__)
  if (::fdatasync(fd) != 0) throw system_error("fdatasync", path.native(), errno);
#else
  sync_fd(fd, path);
#endif
}

fs::path folder_of(const fs::path& path) {
  const fs::path dir = path.parent_path();
  return dir.empty() ? fs::path(".") : dir;
}

// Removes the temporary file unless the rename made it the real one.
class TempFile {
 public:
  TempFile(const fs::path& target, mode_t mode) {
    std::random_device random;
    for (int attempt = 0; attempt < 16; ++attempt) {
      path_ =
          folder_of(target) / fmt::format(".{}.{:08x}.tmp", target.filename().native(), random());
      fd_ = UniqueFd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
      if (fd_) return;
      if (errno != EEXIST && errno != EINTR) break;
    }
    throw system_error("create", path_.native(), errno);
  }
  ~TempFile() {
    if (!renamed_) ::unlink(path_.c_str());
  }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;

  int fd() const { return fd_.get(); }
  const fs::path& path() const { return path_; }
  void rename_to(const fs::path& target) {
    if (::rename(path_.c_str(), target.c_str()) != 0)
      throw system_error("replace", target.native(), errno);
    renamed_ = true;
  }

 private:
  fs::path path_;
  UniqueFd fd_;
  bool renamed_ = false;
};

}  // namespace

std::string read_file(const fs::path& path, std::size_t max_bytes) {
  const UniqueFd fd = open_or_throw(path, O_RDONLY);
  std::string content;
  struct stat info {};
  if (::fstat(fd.get(), &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0)
    content.reserve(std::min(static_cast<std::size_t>(info.st_size), max_bytes) + 1);
  char buffer[16384];
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0) {
      if (errno == EINTR) continue;
      throw system_error("read", path.native(), errno);
    }
    if (n == 0) return content;
    content.append(buffer, static_cast<std::size_t>(n));
    if (content.size() > max_bytes)
      throw Error(Errc::argument,
                  fmt::format("{} is larger than {} bytes", path.native(), max_bytes));
  }
}

void write_file_atomic(const fs::path& path, std::string_view content, mode_t mode) {
  TempFile temp(path, mode);
  // The umask narrows what open() was asked for; the caller's mode is meant as it stands.
  if (::fchmod(temp.fd(), mode) != 0)
    throw system_error("set the mode of", temp.path().native(), errno);
  write_all(temp.fd(), content, temp.path());
  sync_fd(temp.fd(), temp.path());
  temp.rename_to(path);
  fsync_dir(folder_of(path));
}

bool write_new_file(const fs::path& path, std::string_view content, mode_t mode) {
  TempFile temp(path, mode);
  write_all(temp.fd(), content, temp.path());
  sync_fd(temp.fd(), temp.path());
  // Unlike a rename, a link does not replace.
  if (::link(temp.path().c_str(), path.c_str()) != 0) {
    if (errno == EEXIST) return false;
    throw system_error("create", path.native(), errno);
  }
  fsync_dir(folder_of(path));
  return true;
}

void fsync_dir(const fs::path& dir) {
  const UniqueFd fd = open_or_throw(dir, O_RDONLY | O_DIRECTORY);
  // Some file systems (network, FUSE) cannot sync a folder, and say EINVAL.
  if (::fsync(fd.get()) != 0 && errno != EINVAL) throw system_error("fsync", dir.native(), errno);
}

void make_private_dirs(const fs::path& path) {
  std::vector<fs::path> missing;
  for (fs::path at = path.lexically_normal(); !at.empty(); at = at.parent_path()) {
    if (at.filename().empty() && at != at.root_path()) continue;  // a trailing slash
    std::error_code ignored;
    if (fs::is_directory(at, ignored)) break;
    missing.push_back(at);
    if (at == at.root_path()) break;
  }
  std::reverse(missing.begin(), missing.end());
  for (const fs::path& dir : missing) {
    if (::mkdir(dir.c_str(), 0700) == 0) {
      fsync_dir(folder_of(dir));
      continue;
    }
    const int errnum = errno;
    std::error_code ignored;
    if (!fs::is_directory(dir, ignored))
      throw system_error("create the folder", dir.native(), errnum);
  }
}

AppendFile::AppendFile(const fs::path& path, mode_t mode)
    : path_(path), fd_(open_or_throw(path, O_WRONLY | O_APPEND | O_CREAT, mode)) {
  fsync_dir(folder_of(path));
}

void AppendFile::append(std::string_view bytes) {
  struct stat before {};
  if (::fstat(fd_.get(), &before) != 0) throw system_error("stat", path_.native(), errno);
  ssize_t n = -1;
  do {
    n = ::write(fd_.get(), bytes.data(), bytes.size());
  } while (n < 0 && errno == EINTR);
  if (n < 0) throw system_error("append to", path_.native(), errno);
  if (static_cast<std::size_t>(n) < bytes.size()) {
    // What the second write says is why the first one stopped short.
    bytes.remove_prefix(static_cast<std::size_t>(n));
    try {
      write_all(fd_.get(), bytes, path_);
    } catch (const Error&) {
      if (::ftruncate(fd_.get(), before.st_size) != 0)
        throw system_error("take back a partial line of", path_.native(), errno);
      throw;
    }
  }
  sync_data(fd_.get(), path_);
}

}  // namespace fusebox::util
