// SPDX-License-Identifier: Apache-2.0
// One run with effects at a time per stack.
#pragma once

#include "util/lock.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace fusebox::run {

struct LockHolder {
  std::string pid;
  std::string what;   // "deploy (run 2026...)"
  std::string since;  // RFC 3339
};

// Held until destroyed, and until a forked child that shares it ends.
class StackLock {
 public:
  // Creates `state_dir` when needed. Waits a moment for a holder whose process is dying. Throws
  // Error{conflict} that says who holds it: pid, what, since when.
  static StackLock acquire(const std::filesystem::path& state_dir, const std::string& what);

 private:
  explicit StackLock(util::FileLock lock) : lock_(std::move(lock)) {}
  util::FileLock lock_;
};

// Who holds the stack's lock now; nothing when nobody does.
std::optional<LockHolder> lock_holder(const std::filesystem::path& state_dir);

}  // namespace fusebox::run
