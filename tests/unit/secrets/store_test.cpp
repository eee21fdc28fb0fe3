// SPDX-License-Identifier: Apache-2.0
#include "secrets/store.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "secrets/redactor.hpp"

using fusebox::secrets::Redactor;
using fusebox::secrets::Store;

namespace {
std::string value_of(const Store& store, std::string_view name) {
  std::string copy;
  CHECK(store.with(name, [&](std::string_view value) { copy = value; }));
  return copy;
}
}  // namespace

TEST_CASE("a value comes back under its name, and only during the call") {
  Store store;
  store.put("SALT", "some-salt-value");
  store.put("EMPTY", "");
  CHECK(store.contains("SALT"));
  CHECK_FALSE(store.contains("salt"));
  CHECK(value_of(store, "SALT") == "some-salt-value");
  CHECK(value_of(store, "EMPTY").empty());
  CHECK_FALSE(store.with("NONE", [](std::string_view) { FAIL("there is no such value"); }));
  CHECK(store.names() == std::vector<std::string>{"EMPTY", "SALT"});
}

TEST_CASE("putting a name again wipes and replaces its value") {
  Store store;
  store.put("KEY", "the-first-value");
  const char* where = nullptr;
  store.with("KEY", [&](std::string_view value) { where = value.data(); });
  store.put("KEY", "the-second-value-is-a-longer-one");
  CHECK(value_of(store, "KEY") == "the-second-value-is-a-longer-one");
  CHECK(std::string_view(where, 15) != "the-first-value");  // the page is still ours
}

TEST_CASE("values of any size and bytes are kept whole") {
  Store store;
  const std::string large(300'000, 'L');
  const std::string binary("\0\xff\x01zero\0", 8);
  store.put("LARGE", large);
  store.put("BINARY", binary);
  for (int i = 0; i < 500; ++i) store.put(fmt::format("N{}", i), fmt::format("value-{:05}", i));
  CHECK(value_of(store, "LARGE") == large);
  CHECK(value_of(store, "BINARY") == binary);
  for (int i = 0; i < 500; ++i)
    REQUIRE(value_of(store, fmt::format("N{}", i)) == fmt::format("value-{:05}", i));
}

TEST_CASE("who uses a value may log, and replace it, without a deadlock") {
  Store store;
  const Redactor redactor(store);
  store.put("KEY", "the-first-value");
  store.with("KEY", [&](std::string_view value) {
    CHECK(redactor.redact("x the-first-value y") == "x [redacted:KEY] y");
    store.put("KEY", "the-second-value");
    CHECK(value == "the-first-value");
  });
  CHECK(value_of(store, "KEY") == "the-second-value");
}

TEST_CASE("many threads put, use and redact at once") {
  Store store;
  const Redactor redactor(store);
  store.put("SHARED", "shared-secret-value");
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        store.put(fmt::format("T{}", t), fmt::format("thread-{}-value-{}", t, i));
        store.with("SHARED", [&](std::string_view value) {
          if (value != "shared-secret-value") ++wrong;
        });
        if (redactor.redact("a shared-secret-value b") != "a [redacted:SHARED] b") ++wrong;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(store.names().size() == 5);
}

// Sanitizers make mlock do nothing.
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
TEST_CASE("memory that cannot be locked is told, and works all the same") {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_MEMLOCK, &none);
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(3);
    const Store store;
    ::_exit(store.locked() ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(Store().locked());
}
#endif

TEST_CASE("a hardened process leaves no core dump and cannot be traced by others") {
  const pid_t child = ::fork();
  if (child == 0) {
    fusebox::secrets::harden_process();
    rlimit core{};
    ::getrlimit(RLIMIT_CORE, &core);
    const bool hard = core.rlim_cur == 0 && core.rlim_max == 0 && ::prctl(PR_GET_DUMPABLE) == 0;
    ::_exit(hard ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WEXITSTATUS(status) == 0);
}
