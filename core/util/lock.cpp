// SPDX-License-Identifier: Apache-2.0
#include "util/lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "util/clock.hpp"
#include "util/error.hpp"
#include "util/fs.hpp"

namespace fusebox::util {

namespace {

// False when someone else has it.
bool try_flock(int fd, int operation, const std::filesystem::path& path) {
  int rc = -1;
  do {
    rc = ::flock(fd, operation | LOCK_NB);
  } while (rc != 0 && errno == EINTR);
  if (rc == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  throw system_error("lock", path.native(), errno);
}

}  // namespace

std::optional<FileLock> FileLock::try_acquire(const std::filesystem::path& path,
                                              std::string_view what) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) throw system_error("open the lock", path.native(), errno);
  if (!try_flock(fd.get(), LOCK_EX, path)) return std::nullopt;
  std::string purpose(what);
  std::replace(purpose.begin(), purpose.end(), '\n', ' ');
  const std::string info = fmt::format("pid={}\nwhat={}\nsince={}\n", ::getpid(), purpose,
                                       rfc3339(std::chrono::system_clock::now()));
  if (::ftruncate(fd.get(), 0) != 0 ||
      ::pwrite(fd.get(), info.data(), info.size(), 0) != static_cast<ssize_t>(info.size()))
    throw system_error("write the lock", path.native(), errno);
  return FileLock(std::move(fd));
}

std::string FileLock::holder(const std::filesystem::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT) return {};
    throw system_error("open the lock", path.native(), errno);
  }
  // A shared lock succeeds only when nobody holds the exclusive one.
  if (try_flock(fd.get(), LOCK_SH, path)) return {};
  return read_file(path, 4096);
}

}  // namespace fusebox::util
