// SPDX-License-Identifier: Apache-2.0
// One at a time, across processes. The kernel holds the lock, so a crash frees it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "util/fd.hpp"

namespace fusebox::util {

// Held until destroyed, and by a forked child until that ends too; not by what they exec. The file
// stays: what counts is the kernel's lock on it, never that it exists.
class FileLock {
 public:
  // Nothing when someone else holds it. `what` tells others what it is held for. Throws
  // Error{denied, io, ...} when the file cannot be opened.
  static std::optional<FileLock> try_acquire(const std::filesystem::path& path,
                                             std::string_view what);

  // What the holder wrote, one "key=value" per line: pid, what, since. "" when nobody holds it.
  static std::string holder(const std::filesystem::path& path);

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace fusebox::util
