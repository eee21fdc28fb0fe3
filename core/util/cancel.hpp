// SPDX-License-Identifier: Apache-2.0
// A request to stop, that a thread can poll or wait for.
#pragma once

#include <atomic>

namespace fusebox::util {

// Once cancelled it stays so. cancel() is async-signal-safe.
class CancelToken {
 public:
  CancelToken();  // throws Error{io} when no pipe can be had
  ~CancelToken();
  CancelToken(const CancelToken&) = delete;
  CancelToken& operator=(const CancelToken&) = delete;

  void cancel() noexcept;
  bool cancelled() const noexcept { return cancelled_.load(std::memory_order_acquire); }
  // Turns readable, and stays so, once cancelled.
  int fd() const noexcept { return read_end_; }

 private:
  std::atomic<bool> cancelled_{false};
  int read_end_ = -1;
  int write_end_ = -1;
};

}  // namespace fusebox::util
