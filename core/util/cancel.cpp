// SPDX-License-Identifier: Apache-2.0
#include "util/cancel.hpp"

#include <unistd.h>

#include <cerrno>

#include "util/fd.hpp"

namespace fusebox::util {

CancelToken::CancelToken() {
  Pipe pipe = make_pipe();
  read_end_ = pipe.read.release();
  write_end_ = pipe.write.release();
}

CancelToken::~CancelToken() {
  ::close(read_end_);
  ::close(write_end_);
}

void CancelToken::cancel() noexcept {
  if (cancelled_.exchange(true, std::memory_order_acq_rel)) return;
  const int saved = errno;  // a signal handler must not disturb what it interrupted
  const char byte = 1;
  while (::write(write_end_, &byte, 1) < 0 && errno == EINTR) {
  }
  errno = saved;
}

}  // namespace fusebox::util
