// SPDX-License-Identifier: Apache-2.0
#include "plugin/library_copy.hpp"

#include "util/error.hpp"
#include "util/fs.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace fusebox::plugin {

namespace fs = std::filesystem;

namespace {

void copy(int from, int to, const std::string& name) {
  std::array<char, 65536> buffer;
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(from, buffer.data(), buffer.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw system_error("read", name, errno);
    if (got == 0) return;
    for (ssize_t done = 0; done < got;) {
      const ssize_t put = ::write(to, buffer.data() + done, static_cast<std::size_t>(got - done));
      if (put < 0 && errno != EINTR) throw system_error("copy", name, errno);
      done += std::max<ssize_t>(put, 0);
    }
    at += got;
  }
}

#if defined(__linux__)
util::UniqueFd make_memory(const std::string& name) {
#if defined(MFD_EXEC)
  const int fd = ::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  if (fd >= 0 || errno != EINVAL) return util::UniqueFd(fd);
#endif
  return util::UniqueFd(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
}

// A security policy may forbid what the kernel could.
bool can_run(int fd) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* mapped = ::mmap(nullptr, page, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
  if (mapped == MAP_FAILED) return false;
  ::munmap(mapped, page);
  return true;
}
#endif

}  // namespace

LibraryCopy::LibraryCopy(const fs::path& library) {
  const util::UniqueFd source(::open(library.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source) throw system_error("open", library.string(), errno);
  copy_to_memory(source.get(), library.filename().string());
  if (!memory_) copy_to_file(source.get(), library.filename().string());
}

void LibraryCopy::copy_to_memory([[maybe_unused]] int source,
                                 [[maybe_unused]] const std::string& name) {
#if defined(__linux__)
  util::UniqueFd memory = make_memory(name);
  if (!memory || !can_run(memory.get())) return;
  copy(source, memory.get(), name);
  constexpr int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (::fcntl(memory.get(), F_ADD_SEALS, seals) != 0) throw system_error("seal", name, errno);
  memory_ = std::move(memory);
#endif
}

void LibraryCopy::copy_to_file(int source, const std::string& name) {
  std::string pattern = (fs::temp_directory_path() / "fusebox-plugin-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr)  // mode 0700
    throw system_error("create the folder", pattern, errno);
  folder_.path = pattern;
  file_ = folder_.path / name;
  const util::UniqueFd target(
      ::open(file_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IXUSR));
  if (!target) throw system_error("create", file_.string(), errno);
  copy(source, target.get(), name);
}

LibraryCopy::Folder::~Folder() {
  std::error_code ignored;
  if (!path.empty()) fs::remove_all(path, ignored);
}

fs::path LibraryCopy::path() const {
  return memory_ ? fs::path(fmt::format("/proc/self/fd/{}", memory_.get())) : file_;
}

std::string LibraryCopy::sha256() const { return util::sha256_hex_file(path()); }

}  // namespace fusebox::plugin
