// SPDX-License-Identifier: Apache-2.0
#include "faults/rounds.hpp"

#include "support/search.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

namespace fusebox::test {

namespace fs = std::filesystem;

int rounds(int few) {
  const char* wanted = std::getenv("FUSEBOX_TEST_KILLS");
  return wanted == nullptr ? few : std::atoi(wanted);
}

void await(const std::function<bool()>& reached) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!reached()) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

bool is_begun(const fs::path& backups) {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(backups, none))
    if (entry.path().filename().string().starts_with(".incoming-")) return true;
  return false;
}

int exit_of(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void mend(const LoadedDemo& stack) {
  const Ended recovered = stack({"recover", "--undo"});
  INFO(recovered.all());
  CHECK((recovered.exit_code == 0 || contains(recovered.err, "no run")));
  const Ended up = stack({"up"});
  INFO(up.all());
  CHECK(up.exit_code == 0);
}

void mend_dead(const LoadedDemo& stack, const std::string& service) {
  if (stack({"recover", "--undo"}).exit_code == 6)
    stack.must({"recover", "--undo", "--start", service});
  mend(stack);
}

void remove_old_data(const LoadedDemo& stack, const std::vector<std::string>& restore) {
  if (!contains(stack.spawned(), "is still there")) return;
  // A statement that met a full disk leaves a file in the way, which ClickHouse removes when it
  // starts.
  stack.must({"restart", "clickhouse"});
  stack.must(restore);
}

}  // namespace fusebox::test
