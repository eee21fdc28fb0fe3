// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>
#include <signal.h>

namespace fbx::common {

// Keeps SIGPIPE from this thread while it writes: a reader that went away is an answer (EPIPE), not
// a reason to end the whole program. Keeps errno.
class PipeSignalGuard {
 public:
  PipeSignalGuard() {
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    was_pending_ = pending();
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~PipeSignalGuard() {
    int number = 0;
    if (!was_pending_ && pending()) ::sigwait(&pipe_, &number);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  PipeSignalGuard(const PipeSignalGuard&) = delete;
  PipeSignalGuard& operator=(const PipeSignalGuard&) = delete;

 private:
  static bool pending() {
    ::sigset_t set;
    ::sigpending(&set);
    return ::sigismember(&set, SIGPIPE) == 1;
  }
  ::sigset_t pipe_{};
  ::sigset_t before_{};
  bool was_pending_ = false;
};

}  // namespace fbx::common
