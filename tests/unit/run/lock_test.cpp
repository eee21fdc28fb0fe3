// SPDX-License-Identifier: Apache-2.0
#include "run/lock.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "fakes.hpp"
#include "run/exit_code.hpp"

using namespace fusebox;
using namespace fusebox::run;
using namespace fusebox::run::test;

TEST_CASE("a locked stack is refused with who holds it, and is free again afterwards") {
  const TempDir dir;
  const auto state = dir.path() / "deep" / "state";
  CHECK_FALSE(lock_holder(dir.path()).has_value());
  {
    const StackLock lock = StackLock::acquire(state, "deploy (run r1)");
    const auto holder = lock_holder(state);
    REQUIRE(holder.has_value());
    CHECK(holder->what == "deploy (run r1)");
    CHECK(holder->pid == std::to_string(::getpid()));
    try {
      StackLock::acquire(state, "down");
      FAIL("the lock was given twice");
    } catch (const Error& error) {
      CHECK(error.code() == Errc::conflict);
      CHECK(std::string(error.what()) == "the stack is locked by deploy (run r1) (pid " +
                                             holder->pid + ", since " + holder->since + ")");
      CHECK(exit_code_for(error.code()) == ExitCode::locked);
    }
  }
  CHECK_FALSE(lock_holder(state).has_value());
  const StackLock again = StackLock::acquire(state, "down");
}

TEST_CASE("every exit code has a meaning, and every kind of error an exit code") {
  for (const ExitCode code :
       {ExitCode::ok, ExitCode::failed, ExitCode::usage, ExitCode::unhealthy, ExitCode::locked,
        ExitCode::findings, ExitCode::undo_failed, ExitCode::skipped, ExitCode::interrupted})
    CHECK(meaning(code) != "unknown");
  CHECK(exit_code_for(Errc::argument) == ExitCode::usage);
  CHECK(exit_code_for(Errc::config) == ExitCode::usage);
  CHECK(exit_code_for(Errc::cancelled) == ExitCode::interrupted);
  CHECK(exit_code_for(Errc::skipped) == ExitCode::skipped);
  CHECK(exit_code_for(Errc::io) == ExitCode::failed);
}
