// SPDX-License-Identifier: Apache-2.0
#include "common/folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

namespace fbx::common {

namespace fs = std::filesystem;

namespace {

constexpr int kOpenFolder = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

struct CloseFolder {
  void operator()(DIR* stream) const noexcept { ::closedir(stream); }
};

// Nothing of that name, or no folder.
bool is_absent(int error) { return error == ENOENT || error == ENOTDIR || error == ELOOP; }

std::uint64_t free_of(const struct ::statvfs& status) {
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

}  // namespace

Folder Folder::open(const fs::path& path) {
  Fd fd(::open(path.c_str(), kOpenFolder));
  if (!fd) throw io_error("open", path, errno);
  return {std::move(fd), path};
}

Folder Folder::open_if_there(const fs::path& path) {
  Fd fd(::open(path.c_str(), kOpenFolder));
  if (!fd && !is_absent(errno)) throw io_error("open", path, errno);
  if (!fd) return {};
  return {std::move(fd), path};
}

Folder Folder::subfolder(const std::string& name) const {
  Fd fd(::openat(fd_.get(), name.c_str(), kOpenFolder | O_NOFOLLOW));
  if (!fd) throw io_error("open", path_ / name, errno);
  return {std::move(fd), path_ / name};
}

Folder Folder::subfolder_if_there(const std::string& name) const {
  Fd fd(::openat(fd_.get(), name.c_str(), kOpenFolder | O_NOFOLLOW));
  if (!fd && !is_absent(errno)) throw io_error("open", path_ / name, errno);
  if (!fd) return {};
  return {std::move(fd), path_ / name};
}

Folder Folder::make_subfolder(const std::string& name) const {
  if (::mkdirat(fd_.get(), name.c_str(), 0700) != 0 && errno != EEXIST)
    throw io_error("create", path_ / name, errno);
  return subfolder(name);
}

std::vector<std::string> Folder::names() const {
  // A descriptor of its own: the position in the folder belongs to it.
  const int fd = ::openat(fd_.get(), ".", kOpenFolder);
  if (fd < 0) throw io_error("list", path_, errno);
  const std::unique_ptr<DIR, CloseFolder> stream(::fdopendir(fd));
  if (!stream) throw io_error("list", path_, errno);
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr && errno != 0) throw io_error("list", path_, errno);
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool Folder::contains(const std::string& name) const {
  struct ::stat status {};
  return ::fstatat(fd_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
}

std::optional<std::uint64_t> Folder::file_size(const std::string& name) const {
  struct ::stat status {};
  if (::fstatat(fd_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  if (!S_ISREG(status.st_mode)) return std::nullopt;
  return static_cast<std::uint64_t>(status.st_size);
}

Fd Folder::create_file(const std::string& name) const {
  Fd fd(::openat(fd_.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                 0600));
  if (!fd) throw io_error("create", path_ / name, errno);
  return fd;
}

Fd Folder::open_file(const std::string& name) const {
  Fd fd(::openat(fd_.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) throw io_error("open", path_ / name, errno);
  return fd;
}

Fd Folder::append_to(const std::string& name) const {
  Fd fd(::openat(fd_.get(), name.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
                 0600));
  if (!fd) throw io_error("write", path_ / name, errno);
  return fd;
}

std::string Folder::read_file(const std::string& name, std::size_t limit) const {
  const Fd fd = open_file(name);
  std::string text;
  std::array<char, 16384> buffer{};
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw io_error("read", path_ / name, errno);
    if (got == 0) return text;
    if (text.size() + static_cast<std::size_t>(got) > limit)
      throw Error(FBX_IO,
                  fmt::format("{} is larger than {} bytes", (path_ / name).string(), limit));
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

void Folder::write_file(const std::string& name, std::string_view text) const {
  const std::string temporary = name + ".new";
  remove(temporary);
  {
    const Fd fd = create_file(temporary);
    write_all(fd.get(), text, path_ / temporary);
    sync_file(fd.get(), path_ / temporary);
  }
  rename(temporary, name);
  sync();
}

void Folder::rename(const std::string& from, const std::string& to) const {
  if (::renameat(fd_.get(), from.c_str(), fd_.get(), to.c_str()) != 0)
    throw io_error(fmt::format("rename {} to", from), path_ / to, errno);
}

void Folder::remove(const std::string& name) const {
  if (::unlinkat(fd_.get(), name.c_str(), 0) == 0 || errno == ENOENT) return;
  // Linux says EISDIR, POSIX EPERM.
  if (errno != EISDIR && errno != EPERM) throw io_error("remove", path_ / name, errno);
  {
    const Folder inner = subfolder(name);
    for (const std::string& one : inner.names()) inner.remove(one);
  }
  if (::unlinkat(fd_.get(), name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
    throw io_error("remove", path_ / name, errno);
}

void Folder::sync() const {
  if (::fsync(fd_.get()) != 0 && errno != EINVAL) throw io_error("bring to disk", path_, errno);
}

std::uint64_t Folder::free_bytes() const {
  struct ::statvfs status {};
  if (::fstatvfs(fd_.get(), &status) != 0)
    throw io_error("ask for the free space of", path_, errno);
  return free_of(status);
}

std::uint64_t free_bytes(fs::path path) {
  std::error_code ignored;
  while (!fs::exists(path, ignored) && path.has_relative_path()) path = path.parent_path();
  struct ::statvfs status {};
  if (::statvfs(path.c_str(), &status) != 0)
    throw io_error("ask for the free space of", path, errno);
  return free_of(status);
}

}  // namespace fbx::common
