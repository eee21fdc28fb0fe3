// SPDX-License-Identifier: Apache-2.0
// Which file system a folder is on, as the system says it at this moment.
#pragma once

#include <chrono>
#include <filesystem>
#include <fusebox/plugin.hpp>
#include <optional>
#include <string>

#include "common/io.hpp"

namespace fbx::external {

struct Volume {
  std::filesystem::path mount_point;
  std::string source;  // "/dev/sdb1"
  std::string type;    // "ext4"
  std::string uuid;    // of the file system; empty: the system does not tell
  bool read_only = false;
};

// Of an open folder; nothing when its file system is mounted no longer.
std::optional<Volume> volume_of(int fd);

// Does `fd` lie on the same file system or device as `path`, or as the nearest folder above it that
// is there?
bool shares_device(int fd, std::filesystem::path path);

// Tells when something may have been mounted or unmounted.
class MountWatch {
 public:
  MountWatch();
  // Until that happened since the last wait(), or since this was made; or `most` has passed. Throws
  // Error{FBX_CANCELLED} when the operator cancels.
  void wait(const Op& op, std::chrono::milliseconds most) const;

 private:
  common::Fd mounts_;
};

}  // namespace fbx::external
