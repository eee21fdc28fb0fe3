// SPDX-License-Identifier: Apache-2.0
#include "secret_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>
#include <thread>

#include "random_value.hpp"

namespace secrets_file {

using fbx::common::WipedText;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t max_size = std::size_t{4} << 20;

std::string reason(int error) { return std::strerror(error); }

class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

[[noreturn]] void io_error(const std::string& doing, const fs::path& path, int error) {
  const bool denied = error == EACCES || error == EPERM || error == EROFS;
  throw fbx::Error(denied ? FBX_DENIED : FBX_IO,
                   "cannot " + doing + " " + path.string() + ": " + reason(error),
                   error == ENOSPC ? "free some disk space; nothing was changed"
                                   : "look at the folder's owner and mode; nothing was changed");
}

// Refuses what another user could have put there or could read.
void check_ours(const struct stat& info, const fs::path& path) {
  const std::string word = shell_word(path.string());
  if (!S_ISREG(info.st_mode))
    throw fbx::Error(FBX_CONFIG, path.string() + " is not a regular file",
                     "name an environment file in the plugin's `file` setting");
  if (info.st_uid != ::geteuid())
    throw fbx::Error(FBX_DENIED,
                     path.string() + " belongs to user " + std::to_string(info.st_uid) +
                         ", not to user " + std::to_string(::geteuid()) + " who runs this",
                     "sudo chown " + std::to_string(::geteuid()) + " " + word);
  const mode_t mode = info.st_mode & 07777U;
  if ((mode & ~mode_t{0600}) != 0) {
    std::array<char, 8> octal{};
    std::snprintf(octal.data(), octal.size(), "%04o", static_cast<unsigned>(mode));
    throw fbx::Error(FBX_DENIED,
                     path.string() + " has mode " + octal.data() +
                         ": secrets need 0600, so that only its owner can read it",
                     "chmod 600 " + word);
  }
}

void write_all(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) io_error("write", path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void sync_folder(const fs::path& folder) {
  const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) io_error("sync the folder", folder, errno);
}

WipedText read_all(int fd, const fs::path& path) {
  WipedText content;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) io_error("read", path, errno);
    if (n == 0) break;
    content.append({buffer.data(), static_cast<std::size_t>(n)});
    if (content.size() > max_size)
      throw fbx::Error(FBX_CONFIG, path.string() + " is over 4 MiB, so it is no environment file",
                       "name the right file in the plugin's `file` setting");
  }
  fbx::common::wipe(buffer.data(), buffer.size());
  return content;
}

}  // namespace

std::string shell_word(const std::string& text) {
  constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./+:@,";
  if (!text.empty() && text.find_first_not_of(plain) == std::string::npos) return text;
  std::string word = "'";
  for (const char c : text) {
    if (c == '\'') word += "'\\'";
    word += c;
  }
  return word + "'";
}

// The file itself when `path_` is a link of our own, so that writing keeps the link.
fs::path SecretFile::target() const {
  struct stat info {};
  if (::lstat(path_.c_str(), &info) != 0 || !S_ISLNK(info.st_mode)) return path_;
  if (info.st_uid != ::geteuid() && info.st_uid != 0)
    throw fbx::Error(FBX_DENIED, path_.string() + " is a link that another user made",
                     "name the file itself in the plugin's `file` setting");
  std::error_code error;
  fs::path real = fs::canonical(path_, error);
  if (error)
    throw fbx::Error(FBX_NOT_FOUND,
                     path_.string() + " is a link that leads nowhere: " + error.message(),
                     "mend or remove the link: rm " + shell_word(path_.string()));
  return real;
}

std::optional<WipedText> SecretFile::read() const {
  const fs::path file = target();
  // O_NONBLOCK: a FIFO in the file's place must not make us wait.
  const Descriptor fd(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (fd.get() < 0) {
    if (errno == ENOENT) return std::nullopt;
    const int error = errno;
    struct stat info {};
    if (::stat(file.c_str(), &info) == 0) check_ours(info, file);
    io_error("read", file, error);
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) io_error("look at", file, errno);
  check_ours(info, file);
  return read_all(fd.get(), file);
}

void SecretFile::make_folder() const {
  const fs::path folder = path_.parent_path();
  std::error_code error;
  if (fs::exists(folder, error)) return;
  fs::create_directories(folder, error);
  if (error) io_error("make the folder", folder, error.value());
  if (::chmod(folder.c_str(), 0700) != 0) io_error("set the mode of", folder, errno);
}

fs::path SecretFile::lock_path() const {
  const fs::path file = target();
  return file.parent_path() / ("." + file.filename().string() + ".lock");
}

void SecretFile::remove_leftovers(const fs::path& target) const {
  const std::string prefix = "." + target.filename().string() + ".new-";
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(target.parent_path(), error))
    if (entry.path().filename().string().starts_with(prefix)) fs::remove(entry.path(), error);
}

void SecretFile::replace(const WipedText& content) const {
  const fs::path file = target();
  remove_leftovers(file);
  const WipedText suffix = random_alphanumeric(12);
  const fs::path fresh =
      file.parent_path() / ("." + file.filename().string() + ".new-" + std::string(suffix.view()));
  try {
    const Descriptor fd(
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (fd.get() < 0) io_error("make", fresh, errno);
    if (::fchmod(fd.get(), 0600) != 0) io_error("set the mode of", fresh, errno);
    write_all(fd.get(), content.view(), fresh);
    if (::fsync(fd.get()) != 0) io_error("sync", fresh, errno);
    if (::rename(fresh.c_str(), file.c_str()) != 0) io_error("replace", file, errno);
  } catch (...) {
    ::unlink(fresh.c_str());
    throw;
  }
  sync_folder(file.parent_path());
}

FileLock::FileLock(const fs::path& path, const fbx::Op& op)
    : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)) {
  if (fd_ < 0) io_error("open the lock", path, errno);
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  try {
    while (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR) io_error("lock", path, errno);
      op.check("waiting for another run to finish with " + path.string());
      if (std::chrono::steady_clock::now() > give_up)
        throw fbx::Error(
            FBX_UNAVAILABLE, "another process has held " + path.string() + " for 30 s",
            "find it with `fuser " + shell_word(path.string()) + "`, let it end, and try again");
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

FileLock::~FileLock() { ::close(fd_); }

}  // namespace secrets_file
