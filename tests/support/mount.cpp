// SPDX-License-Identifier: Apache-2.0
#include "support/mount.hpp"

#include "support/search.hpp"
#include "support/servers.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <utility>

namespace fusebox::test {

namespace fs = std::filesystem;

namespace {

void must_run(const std::string& command) {
  INFO(command);
  REQUIRE(std::system(command.c_str()) == 0);
}

std::optional<std::string> no_mount() {
  return fmt::format("mounting a file system is not possible here: {}", std::strerror(errno));
}

}  // namespace

Mount::Mount(fs::path at, const std::string& options) : at_(std::move(at)) {
  fs::create_directories(at_);
  if (::mount("tmpfs", at_.c_str(), "tmpfs", 0, options.c_str()) != 0) skip_program_if(no_mount());
  mounted_ = true;
}

Mount Mount::of_image(fs::path at, const fs::path& image, int megabytes) {
  fs::create_directories(at);
  Mount made(std::move(at));
  std::ofstream(image).close();
  fs::resize_file(image, static_cast<std::uintmax_t>(megabytes) << 20U);
  must_run(fmt::format("mkfs.ext4 -q -F {}", image.string()));
  const std::string told = image.string() + ".loop";
  if (std::system(fmt::format("losetup -f --show {} > {}", image.string(), told).c_str()) != 0)
    skip_program_if("there is no loop device here");
  made.device_ = slurp(told);
  made.device_.erase(made.device_.find_last_not_of('\n') + 1);
  const int rc = ::mount(made.device_.c_str(), made.at_.c_str(), "ext4", 0, "");
  made.mounted_ = rc == 0;
  if (rc != 0) {
    const auto reason = no_mount();
    must_run(fmt::format("losetup -d {}", made.device_));
    skip_program_if(reason);
  }
  return made;
}

Mount::~Mount() {
  if (mounted_) pull();
  if (!device_.empty())
    if (std::system(fmt::format("losetup -d {}", device_).c_str()) != 0)
      MESSAGE("a loop device stays: " << device_);
}

Mount::Mount(Mount&& other) noexcept
    : at_(std::move(other.at_)),
      device_(std::exchange(other.device_, {})),
      mounted_(std::exchange(other.mounted_, false)) {}

void Mount::read_only(bool is) const {
  REQUIRE(::mount("", at_.c_str(), "",
                  MS_REMOUNT | (is ? static_cast<unsigned long>(MS_RDONLY) : 0UL), "") == 0);
}

void Mount::pull() {
  CHECK(::umount2(at_.c_str(), MNT_DETACH) == 0);
  mounted_ = false;
}

void Mount::fill(std::uint64_t room) const {
  struct statvfs info {};
  REQUIRE(::statvfs(at_.c_str(), &info) == 0);
  const std::uint64_t free = std::uint64_t{info.f_bavail} * info.f_frsize;
  if (free <= room) return;
  const int fd = ::open((at_ / "filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(fd >= 0);
  // What is written meanwhile may be faster: then the disk is full, as it should be.
  const int rc = ::posix_fallocate(fd, 0, static_cast<off_t>(free - room));
  ::close(fd);
  CHECK((rc == 0 || rc == ENOSPC));
}

void Mount::make_room() const { fs::remove(at_ / "filler"); }

}  // namespace fusebox::test
