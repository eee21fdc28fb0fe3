// SPDX-License-Identifier: Apache-2.0
#include "util/fd.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <cerrno>

#include "util/error.hpp"

using fusebox::util::UniqueFd;

namespace {
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }
}  // namespace

TEST_CASE("a descriptor is closed when its owner goes") {
  int number = -1;
  {
    const UniqueFd fd(::open("/dev/null", O_RDONLY));
    number = fd.get();
    CHECK(is_open(number));
  }
  CHECK_FALSE(is_open(number));
}

TEST_CASE("moving a descriptor leaves the source empty and closes the target's") {
  UniqueFd a(::open("/dev/null", O_RDONLY));
  UniqueFd b(::open("/dev/null", O_RDONLY));
  const int first = a.get();
  const int second = b.get();
  a = std::move(b);
  CHECK(a.get() == second);
  CHECK_FALSE(is_open(first));
  UniqueFd c(std::move(a));
  CHECK_FALSE(static_cast<bool>(a));
  CHECK(c.release() == second);
  CHECK(is_open(second));
  c.reset(second);
  errno = 7;
  c.reset();
  CHECK(errno == 7);
  CHECK_FALSE(is_open(second));
}

TEST_CASE("both ends of a pipe close on exec") {
  const fusebox::util::Pipe pipe = fusebox::util::make_pipe();
  CHECK((::fcntl(pipe.read.get(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK((::fcntl(pipe.write.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("non-blocking mode is switched on and off, and a closed descriptor is an error") {
  const fusebox::util::Pipe pipe = fusebox::util::make_pipe();
  fusebox::util::set_nonblocking(pipe.read.get(), true);
  CHECK((::fcntl(pipe.read.get(), F_GETFL) & O_NONBLOCK) != 0);
  fusebox::util::set_nonblocking(pipe.read.get(), false);
  CHECK((::fcntl(pipe.read.get(), F_GETFL) & O_NONBLOCK) == 0);
  CHECK_THROWS_AS(fusebox::util::set_nonblocking(-1, true), fusebox::Error);
}
