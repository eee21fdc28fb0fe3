// SPDX-License-Identifier: Apache-2.0
#include "util/sigpipe.hpp"

namespace fusebox::util {

NoSigpipe::NoSigpipe() noexcept {
  ::sigemptyset(&pipe_);
  ::sigaddset(&pipe_, SIGPIPE);
  sigset_t pending;
  ::sigpending(&pending);
  was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
  ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
}

NoSigpipe::~NoSigpipe() {
  sigset_t pending;
  ::sigpending(&pending);
  if (!was_pending_ && ::sigismember(&pending, SIGPIPE) == 1) {
    int number = 0;
    ::sigwait(&pipe_, &number);
  }
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace fusebox::util
