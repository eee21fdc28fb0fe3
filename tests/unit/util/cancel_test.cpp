// SPDX-License-Identifier: Apache-2.0
#include "util/cancel.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>

#include <csignal>
#include <thread>

using fusebox::util::CancelToken;

namespace {
bool readable(int fd, int timeout_ms) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, timeout_ms) == 1;
}
CancelToken* signal_token = nullptr;
}  // namespace

TEST_CASE("a token is quiet until it is cancelled, and stays cancelled") {
  CancelToken token;
  CHECK_FALSE(token.cancelled());
  CHECK_FALSE(readable(token.fd(), 0));
  token.cancel();
  token.cancel();
  CHECK(token.cancelled());
  CHECK(readable(token.fd(), 0));
  CHECK(readable(token.fd(), 0));
}

TEST_CASE("cancelling wakes a thread that waits for the descriptor") {
  CancelToken token;
  bool woke = false;
  std::thread waiter([&] { woke = readable(token.fd(), 5000); });
  token.cancel();
  waiter.join();
  CHECK(woke);
}

TEST_CASE("a signal handler may cancel, and leaves errno alone") {
  CancelToken token;
  signal_token = &token;
  const auto before = std::signal(SIGUSR1, [](int) { signal_token->cancel(); });
  errno = 42;
  std::raise(SIGUSR1);
  CHECK(errno == 42);
  std::signal(SIGUSR1, before);
  CHECK(token.cancelled());
}

TEST_CASE("a token's descriptor is not inherited by what is executed") {
  CancelToken token;
  CHECK((::fcntl(token.fd(), F_GETFD) & FD_CLOEXEC) != 0);
}
