// SPDX-License-Identifier: Apache-2.0
#include "report/output.hpp"

#include "util/sigpipe.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace fusebox::report {

void Output::write(std::string_view bytes) noexcept {
  const util::NoSigpipe guard;
  while (!closed_ && !bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      pollfd entry{fd_, POLLOUT, 0};
      ::poll(&entry, 1, 1000);
    } else if (errno != EINTR) {
      closed_ = true;
    }
  }
}

}  // namespace fusebox::report
