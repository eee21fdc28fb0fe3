// SPDX-License-Identifier: Apache-2.0
#include "engine/cache.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <common/digest.hpp>
#include <common/io.hpp>
#include <vector>

namespace fusebox::scan {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kHash = 64;  // hex digits in front of the bytes
constexpr std::size_t kLargest = 64U << 20U;
constexpr std::size_t kKept = 24;  // files; old rules and old libraries leave theirs behind

std::optional<std::string> read_own(const fs::path& file) {
  const fbx::common::Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct ::stat info {};
  if (!fd || ::fstat(fd.get(), &info) != 0) return std::nullopt;
  if (!S_ISREG(info.st_mode) || info.st_uid != ::geteuid() || (info.st_mode & 077U) != 0)
    return std::nullopt;
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size < kHash || size > kLargest) return std::nullopt;
  std::string bytes(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const ::ssize_t got = ::read(fd.get(), bytes.data() + have, size - have);
    if (got <= 0) return std::nullopt;
    have += static_cast<std::size_t>(got);
  }
  return bytes;
}

bool write_own(const fs::path& file, std::string_view bytes) {
  const fbx::common::Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  while (fd && !bytes.empty()) {
    const ::ssize_t put = ::write(fd.get(), bytes.data(), bytes.size());
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return static_cast<bool>(fd);
}

std::string hash_of(std::string_view name, std::string_view bytes) {
  fbx::common::Sha256 digest;
  digest.add(name);
  digest.add(bytes);
  return digest.hex();
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  fbx::common::Sha256 digest;
  digest.add(bytes);
  return digest.hex();
}

bool Cache::prepare() const {
  if (folder_.empty()) return false;
  std::error_code error;
  fs::create_directories(folder_.parent_path(), error);
  if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) return false;
  struct ::stat info {};
  return ::lstat(folder_.c_str(), &info) == 0 && S_ISDIR(info.st_mode) &&
         info.st_uid == ::geteuid() && (info.st_mode & 022U) == 0;
}

std::optional<std::string> Cache::get(const std::string& name) const {
  if (folder_.empty()) return std::nullopt;
  auto bytes = read_own(folder_ / name);
  if (!bytes) return std::nullopt;
  const std::string_view all = *bytes;
  if (all.substr(0, kHash) != hash_of(name, all.substr(kHash))) return std::nullopt;
  bytes->erase(0, kHash);
  return bytes;
}

void Cache::put(const std::string& name, std::string_view bytes) const {
  if (!prepare()) return;
  const fs::path temporary = folder_ / fmt::format(".{}.{}", name, ::getpid());
  std::string text = hash_of(name, bytes);
  text += bytes;
  std::error_code error;
  if (write_own(temporary, text)) fs::rename(temporary, folder_ / name, error);
  fs::remove(temporary, error);
  prune();
}

void Cache::prune() const {
  std::error_code error;
  std::vector<std::pair<fs::file_time_type, fs::path>> files;
  for (const auto& entry : fs::directory_iterator(folder_, error))
    if (entry.is_regular_file(error))
      files.emplace_back(entry.last_write_time(error), entry.path());
  if (files.size() <= kKept) return;
  std::sort(files.begin(), files.end());
  for (std::size_t i = 0; i + kKept < files.size(); ++i) fs::remove(files[i].second, error);
}

}  // namespace fusebox::scan
