// SPDX-License-Identifier: Apache-2.0
// Waiting that ends: by cancellation, by the op's deadline, or because a sibling failed.
#pragma once

#include <atomic>
#include <chrono>
#include <fusebox/plugin.hpp>
#include <string_view>

namespace runtime_process {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Thread-safe; several threads may wait on one op.
class Wait {
 public:
  explicit Wait(const fbx::Op& op, const std::atomic<bool>* stop = nullptr)
      : op_(op), stop_(stop) {}

  // Throws fbx::Error (cancelled, timeout) when there is reason to end; `what` says what was being
  // done.
  void check(std::string_view what) const;

  // Sleeps, at most `time`; throws like check().
  void pause(milliseconds time, std::string_view what) const;

  // Until `fd` has one of `events` (poll's) or `deadline` passes: false. Throws like check().
  bool until(int fd, short events, steady_clock::time_point deadline, std::string_view what) const;

  const fbx::Op& op() const { return op_; }

 private:
  fbx::Op op_;
  const std::atomic<bool>* stop_;
};

}  // namespace runtime_process
