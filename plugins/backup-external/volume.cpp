// SPDX-License-Identifier: Apache-2.0
#include "volume.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <sstream>
#include <vector>

#include "common/deadline.hpp"
#include "common/folder.hpp"

#ifdef __APPLE__
#include <sys/attr.h>
#include <sys/mount.h>
#include <sys/param.h>
#endif

namespace fbx::external {

namespace fs = std::filesystem;

#ifdef __APPLE__

namespace {

std::string uuid_of(const char* mount_point) {
  ::attrlist wanted{};
  wanted.bitmapcount = ATTR_BIT_MAP_COUNT;
  wanted.volattr = ATTR_VOL_INFO | ATTR_VOL_UUID;
  struct __attribute__((packed)) {
    std::uint32_t length;
    std::array<unsigned char, 16> bytes;
  } answer{};
  if (::getattrlist(mount_point, &wanted, &answer, sizeof answer, 0) != 0) return {};
  std::string text;
  for (std::size_t i = 0; i < answer.bytes.size(); ++i)
    text +=
        fmt::format("{}{:02X}", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", answer.bytes[i]);
  return text;
}

}  // namespace

std::optional<Volume> volume_of(int fd) {
  struct ::statfs status {};
  struct ::stat held {};
  struct ::stat mounted {};
  if (::fstatfs(fd, &status) != 0 || ::fstat(fd, &held) != 0 ||
      ::stat(status.f_mntonname, &mounted) != 0 || held.st_dev != mounted.st_dev)
    return std::nullopt;
  return Volume{status.f_mntonname, status.f_mntfromname, status.f_fstypename,
                uuid_of(status.f_mntonname), (status.f_flags & MNT_RDONLY) != 0};
}

MountWatch::MountWatch() = default;

void MountWatch::wait(const Op& op, std::chrono::milliseconds most) const {
  constexpr std::chrono::milliseconds pause{1000};  // nothing tells: the caller looks
  common::Deadline(op, std::min(most, pause)).sleep(pause);
}

#else

namespace {

// "36 35 8:17 / /media/usb rw,noatime shared:1 - ext4 /dev/sdb1 rw": proc(5).
constexpr const char* kMounts = "/proc/self/mountinfo";

// The number of the mount that a descriptor was opened through.
int mount_id(int fd) {
  std::ifstream in(fmt::format("/proc/self/fdinfo/{}", fd));
  std::string key;
  for (int value = 0; in >> key; in.ignore(64, '\n'))
    if (key == "mnt_id:" && in >> value) return value;
  return -1;
}

// A space, a tab, a line's end and a backslash are written as octal numbers there.
std::string unescaped(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    int code = 0;
    if (text[i] == '\\' && i + 3 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 4, code, 8).ptr ==
            text.data() + i + 4) {
      out += static_cast<char>(code);
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool has_option(const std::string& options, std::string_view wanted) {
  std::istringstream in(options);
  for (std::string one; std::getline(in, one, ',');)
    if (one == wanted) return true;
  return false;
}

std::string uuid_of(const fs::path& device) {
  std::error_code error;
  const fs::path real = fs::canonical(device, error);
  if (error) return {};
  for (const auto& link : fs::directory_iterator("/dev/disk/by-uuid", error))
    if (fs::canonical(link.path(), error) == real && !error) return link.path().filename().string();
  return {};
}

}  // namespace

std::optional<Volume> volume_of(int fd) {
  const int wanted = mount_id(fd);
  std::ifstream in(kMounts);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    int id = -1;
    std::string parent;
    std::string device;
    std::string root;
    std::string mount_point;
    std::string options;
    words >> id >> parent >> device >> root >> mount_point >> options;
    if (id != wanted) continue;
    for (std::string optional; words >> optional && optional != "-";) continue;
    Volume volume;
    std::string source;
    std::string super_options;
    words >> volume.type >> source >> super_options;
    volume.mount_point = unescaped(mount_point);
    volume.source = unescaped(source);
    volume.uuid = uuid_of(volume.source);
    volume.read_only = has_option(options, "ro") || has_option(super_options, "ro");
    return volume;
  }
  return std::nullopt;
}

MountWatch::MountWatch() : mounts_(::open(kMounts, O_RDONLY | O_CLOEXEC)) {
  if (!mounts_) throw common::io_error("open", kMounts, errno);
}

void MountWatch::wait(const Op& op, std::chrono::milliseconds most) const {
  const common::Deadline deadline(op, most);
  while (!deadline.passed()) {
    std::array<pollfd, 2> fds{{{mounts_.get(), POLLPRI, 0}, {op.cancel_fd(), POLLIN, 0}}};
    const auto pause = std::min<std::int64_t>(deadline.left().count(), 1000);
    const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(pause));
    deadline.check_cancelled();
    if (ready > 0 && fds[0].revents != 0) return;
  }
}

#endif

bool shares_device(int fd, fs::path path) {
  std::error_code ignored;
  while (!fs::exists(path, ignored) && path.has_relative_path()) path = path.parent_path();
  const auto other =
      common::Folder::open_if_there(fs::is_directory(path, ignored) ? path : path.parent_path());
  struct ::stat here {};
  struct ::stat there {};
  if (!other || ::fstat(fd, &here) != 0 || ::fstat(other.fd(), &there) != 0) return false;
  if (here.st_dev == there.st_dev) return true;
  // Subvolumes and bind mounts have numbers of their own, and the device in common.
  const auto mine = volume_of(fd);
  const auto its = volume_of(other.fd());
  return mine && its && mine->source.starts_with("/dev/") && mine->source == its->source;
}

}  // namespace fbx::external
