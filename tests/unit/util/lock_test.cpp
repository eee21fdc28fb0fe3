// SPDX-License-Identifier: Apache-2.0
#include "util/lock.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/support/temp_dir.hpp"
#include "util/error.hpp"

using fusebox::test::TempDir;
using fusebox::util::FileLock;

TEST_CASE("a second holder is refused, and can say who holds the lock") {
  const TempDir dir;
  CHECK(FileLock::holder(dir / "lock").empty());
  {
    const auto lock = FileLock::try_acquire(dir / "lock", "deploy\nlangfuse");
    REQUIRE(lock.has_value());
    CHECK_FALSE(FileLock::try_acquire(dir / "lock", "up").has_value());
    const std::string holder = FileLock::holder(dir / "lock");
    CHECK(holder.find(fmt::format("pid={}\nwhat=deploy langfuse\nsince=2", ::getpid())) == 0);
  }
  CHECK(FileLock::holder(dir / "lock").empty());
  CHECK(FileLock::try_acquire(dir / "lock", "up").has_value());
}

TEST_CASE("a lock ends with the process that is killed") {
  const TempDir dir;
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = FileLock::try_acquire(dir / "lock", "deploy");
    if (::write(ready[1], lock ? "y" : "n", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char answer = 0;
  REQUIRE(::read(ready[0], &answer, 1) == 1);
  CHECK(answer == 'y');
  CHECK_FALSE(FileLock::try_acquire(dir / "lock", "up").has_value());
  CHECK(FileLock::holder(dir / "lock").find(fmt::format("pid={}\n", child)) == 0);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK(FileLock::try_acquire(dir / "lock", "up").has_value());
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("a forked child keeps the lock when its parent lets go") {
  const TempDir dir;
  auto lock = FileLock::try_acquire(dir / "lock", "deploy");
  REQUIRE(lock.has_value());
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  lock.reset();
  CHECK_FALSE(FileLock::try_acquire(dir / "lock", "up").has_value());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK(FileLock::try_acquire(dir / "lock", "up").has_value());
}

TEST_CASE("a lock in a folder that is not there is an error, not a refusal") {
  const TempDir dir;
  CHECK_THROWS_AS((void)FileLock::try_acquire(dir / "none/lock", "up"), fusebox::Error);
  CHECK(FileLock::holder(dir / "none/lock").empty());
}
