// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>

namespace fusebox::util {

// While it lives, writing to a pipe without a reader is an error on this thread, not the end of the
// process. Other threads' SIGPIPE is theirs.
class NoSigpipe {
 public:
  NoSigpipe() noexcept;
  ~NoSigpipe();
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;

 private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

}  // namespace fusebox::util
