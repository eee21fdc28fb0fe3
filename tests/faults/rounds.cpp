// SPDX-License-Identifier: Apache-2.0
#include "faults/rounds.hpp"

#include "support/search.hpp"

#include <doctest/doctest.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

namespace fusebox::test {

namespace fs = std::filesystem;

namespace {

std::vector<std::string> split(const std::string& text) {  // at each '\0'
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\0', at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

}  // namespace

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

ChildSpec seen_running(const LoadedDemo& stack, const std::string& pid) {
  const fs::path proc = fs::path("/proc") / pid;
  ChildSpec spec;
  spec.command = split(slurp(proc / "cmdline"));
  spec.cwd = fs::read_symlink(proc / "cwd");
  spec.log = stack.box() / "by-hand.log";
  struct stat st {};
  REQUIRE(::stat(proc.c_str(), &st) == 0);
  spec.user = ::getpwuid(st.st_uid)->pw_name;
  for (const auto& one : split(slurp(proc / "environ")))
    spec.environment[one.substr(0, one.find('='))] = one.substr(one.find('=') + 1);
  return spec;
}

void mend_by_hand(const LoadedDemo& stack, const ChildSpec& server) {
  if (stack({"recover", "--undo"}).exit_code == 6) {
    Child child(server);
    Ended recovered;
    for (int tries = 0; tries < 30 && recovered.exit_code != 0; ++tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      recovered = stack({"recover", "--undo"});
    }
    INFO(recovered.all());
    CHECK(recovered.exit_code == 0);
    child.stop(SIGINT);
  }
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
