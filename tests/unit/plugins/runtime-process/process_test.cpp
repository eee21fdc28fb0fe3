// SPDX-License-Identifier: Apache-2.0
#include "runtime-process/process.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

using namespace runtime_process;
using namespace std::chrono_literals;

namespace {

// A child in a session of its own that sleeps; ended and reaped at the end.
class Sleeper {
 public:
  Sleeper() : pid_(::fork()) {
    if (pid_ == 0) {
      ::setsid();
      for (;;) ::pause();
    }
    while (::getsid(pid_) != pid_) std::this_thread::sleep_for(1ms);
  }
  ~Sleeper() { end(); }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

  void end() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

}  // namespace

TEST_CASE("a process is alive as long as pid and start time are the same") {
  Sleeper sleeper;
  const auto id = identify(sleeper.pid());
  REQUIRE(id.has_value());
  CHECK(alive(*id));
  sleeper.end();
  CHECK(!alive(*id));
  CHECK(!identify(id->pid).has_value());
}

TEST_CASE("a recycled pid is neither taken for ours nor signalled") {
  Sleeper sleeper;
  ProcessId recycled = identify(sleeper.pid()).value();
  recycled.start_time -= 1;
  CHECK(!alive(recycled));
  CHECK(!signal_process(recycled, SIGKILL));
  CHECK(!signal_group(recycled, SIGKILL));
  std::this_thread::sleep_for(20ms);
  CHECK(::waitpid(sleeper.pid(), nullptr, WNOHANG) == 0);
}

TEST_CASE("a zombie is not alive") {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  ::siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
  CHECK(!identify(pid).has_value());
  ::waitpid(pid, nullptr, 0);
}

TEST_CASE("usage counts a session and the children that left it") {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setsid();
    for (int i = 0; i < 2; ++i) {
      if (::fork() != 0) continue;
      if (i == 1) ::setsid();
      for (;;) ::pause();
    }
    for (;;) ::pause();
  }
  const auto id = identify(pid);
  REQUIRE(id.has_value());
  Usage usage;
  for (int i = 0; i < 200 && usage.processes < 3; ++i) {
    std::this_thread::sleep_for(5ms);
    usage = usage_of(*id);
  }
  CHECK(usage.processes == 3);
  CHECK(usage.memory_bytes > 0);
  for (const ProcessId& child : children_of(pid)) signal_process(child, SIGKILL);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}
