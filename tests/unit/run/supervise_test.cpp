// SPDX-License-Identifier: Apache-2.0
#include "run/supervise.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <thread>

#include "fakes.hpp"

using namespace fusebox::run;
using namespace fusebox::run::test;
using namespace std::chrono_literals;

namespace {

// What on_crash was told, when it was called.
std::optional<CrashInfo> crash_of(const std::function<int()>& body) {
  std::optional<CrashInfo> seen;
  supervise(body, [&](const CrashInfo& crash) {
    seen = crash;
    return 0;
  });
  return seen;
}

pid_t pid_in(const std::filesystem::path& file) {
  pid_t pid = 0;
  std::ifstream(file) >> pid;
  return pid;
}

}  // namespace

TEST_CASE("the body's return value comes back, from another process") {
  const pid_t here = ::getpid();
  CHECK(supervise([&] { return ::getpid() == here ? 1 : 5; },
                  [](const CrashInfo&) { return -1; }) == 5);
}

TEST_CASE("a child that is killed is a crash with its signal") {
  const auto crash = crash_of([]() -> int {
    ::signal(SIGSEGV, SIG_DFL);
    ::raise(SIGSEGV);
    return 0;
  });
  REQUIRE(crash.has_value());
  CHECK(crash->kind == CrashInfo::Kind::signal);
  CHECK(crash->number == SIGSEGV);
  CHECK(crash->str() == "killed by signal 11 (Segmentation fault)");
}

TEST_CASE("a plugin that ends the process is a crash, whatever code it gives") {
  for (const int code : {0, 3}) {
    const auto crash = crash_of([code]() -> int { ::_exit(code); });
    REQUIRE(crash.has_value());
    CHECK(crash->kind == CrashInfo::Kind::exit);
    CHECK(crash->number == code);
  }
  const auto crash = crash_of([]() -> int { ::_exit(3); });
  CHECK(crash->str() == "ended by a plugin that called exit(3)");
}

TEST_CASE("a body can hand over to the parent") {
  const auto crash = crash_of([]() -> int { throw HandOver{"b.up hangs"}; });
  REQUIRE(crash.has_value());
  CHECK(crash->kind == CrashInfo::Kind::handed_over);
  CHECK(crash->str() == "ended because a step hangs");
  CHECK(crash->text == "b.up hangs");
}

TEST_CASE("what a body throws is told and never unwinds into the parent's stack") {
  const auto known = crash_of([]() -> int { throw std::runtime_error("no room"); });
  REQUIRE(known.has_value());
  CHECK(known->kind == CrashInfo::Kind::error);
  CHECK(known->str() == "ended by an error: no room");
  CHECK(crash_of([]() -> int { throw 1; })->text == "unknown exception");
  // More than a pipe takes in one piece is cut, and does not block.
  CHECK(crash_of([]() -> int {
          throw std::runtime_error(std::string(1'000'000, 'x'));
        })->text.size() > 100);
}

TEST_CASE("on_crash gives the result") {
  CHECK(supervise([]() -> int { ::_exit(1); }, [](const CrashInfo&) { return 6; }) == 6);
}

TEST_CASE("the child dies when its parent is killed") {
  const TempDir dir;
  const auto file = dir.path() / "pid";
  const pid_t parent = ::fork();
  REQUIRE(parent >= 0);
  if (parent == 0) {
    supervise(
        [&] {
          std::ofstream(file.native() + ".tmp") << ::getpid() << "\n" << std::flush;
          std::filesystem::rename(file.native() + ".tmp", file);
          std::this_thread::sleep_for(60s);
          return 0;
        },
        [](const CrashInfo&) { return 0; });
    ::_exit(0);
  }
  REQUIRE(eventually([&] { return std::filesystem::exists(file); }));
  const pid_t child = pid_in(file);
  REQUIRE(child > 0);
  CHECK(::kill(child, 0) == 0);
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  // A killed orphan may stay a zombie where nobody reaps; then its state says so.
  CHECK(eventually([&] {
    if (::kill(child, 0) != 0) return true;
    std::ifstream stat("/proc/" + std::to_string(child) + "/stat");
    std::string text;
    std::getline(stat, text);
    return text.find(") Z ") != std::string::npos;
  }));
}

TEST_CASE("a signal that is sent to the parent alone is passed on, and the parent waits") {
  const TempDir dir;
  const auto ready = dir.path() / "ready";
  const pid_t parent = ::fork();
  REQUIRE(parent >= 0);
  if (parent == 0) {
    const int code = supervise(
        [&] {
          sigset_t set;
          ::sigemptyset(&set);
          ::sigaddset(&set, SIGTERM);
          ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
          std::ofstream(ready) << "yes\n" << std::flush;
          int got = 0;
          ::sigwait(&set, &got);
          return got == SIGTERM ? 42 : 1;
        },
        [](const CrashInfo&) { return 2; });
    ::_exit(code);
  }
  REQUIRE(eventually([&] { return std::filesystem::exists(ready); }));
  ::kill(parent, SIGTERM);
  int status = 0;
  ::waitpid(parent, &status, 0);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 42);
}
