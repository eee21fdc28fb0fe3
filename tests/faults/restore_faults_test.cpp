// SPDX-License-Identifier: Apache-2.0
// Backups and restores of real servers on a bad day: two at once, a server that dies, a clock that
// jumps. Nothing is lost, and what could not be done is said.
#include "e2e/loaded_demo.hpp"
#include "faults/rounds.hpp"
#include "faults/two_stores.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>
#include <boost/json.hpp>

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <thread>
#include <vector>

using fusebox::test::await;
using fusebox::test::contains;
using fusebox::test::Ended;
using fusebox::test::exit_of;
using fusebox::test::is_begun;
using fusebox::test::LoadedDemo;
using fusebox::test::mend;
using fusebox::test::rounds;
using fusebox::test::TwoStores;
using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

namespace {

void expect(const Ended& ended, int exit_code) {
  INFO(ended.all());
  CHECK(ended.exit_code == exit_code);
}

}  // namespace

TEST_CASE("two at once: the second is refused, the first ends whole") {
  fusebox::test::skip_unless_complete();
  const LoadedDemo stack;
  const std::string data = stack.data();
  pid_t first = stack.spawn({"backup", "create"});
  await([&] { return is_begun(stack.backups()); });
  expect(stack({"backup", "create"}), 4);
  CHECK(exit_of(first) == 0);
  CHECK(stack.generations().size() == 1);
  expect(stack({"backup", "verify"}), 0);

  stack.use_on();
  first = stack.spawn({"restore", "latest", "--yes"});
  await([&] { return is_begun(stack.backups()); });  // of its safety generation
  expect(stack({"backup", "create"}), 4);
  expect(stack({"restore", "latest", "--yes"}), 4);
  const int code = exit_of(first);
  INFO(stack.spawned());
  CHECK(code == 0);
  CHECK(stack.data() == data);
  stack.check_tidy();

  SUBCASE("a server that dies in the middle of a backup leaves no generation") {
    std::mt19937 random(6);
    const auto began = Clock::now();
    stack.must({"backup", "create"});
    const auto time = std::chrono::duration_cast<Milliseconds>(Clock::now() - began);
    int failed = 0;
    for (int round = 0; round < rounds(6); ++round) {
      const char* service = std::vector<const char*>{"postgres", "clickhouse",
                                                     "redis"}[static_cast<std::size_t>(round % 3)];
      CAPTURE(service);
      const auto before = stack.generations().size();
      const std::string pid = stack.pid_of(service);
      const pid_t child = stack.spawn({"backup", "create"});
      std::this_thread::sleep_for(Milliseconds(random() % static_cast<unsigned>(time.count())));
      ::kill(static_cast<pid_t>(std::stol(pid)), SIGKILL);
      const int ended = exit_of(child);
      INFO(stack.spawned());
      CHECK((ended == 0 || ended == 1));
      if (ended == 1) CHECK(contains(stack.spawned(), service));
      CHECK_FALSE(is_begun(stack.backups()));
      const auto after = stack.generations();
      CHECK(after.size() == before + (ended == 0 ? 1U : 0U));
      for (const auto& one : after) CHECK(one.at("problem").is_null());
      failed += ended == 1 ? 1 : 0;
      mend(stack);
    }
    CHECK(stack.data() == data);
    expect(stack({"backup", "verify"}), 0);
    MESSAGE(fmt::format("{} of {} backups failed by the death of their server", failed, rounds(6)));
  }
  SUBCASE("a server that dies in the middle of a restore leaves the data as it was") {
    stack.must({"backup", "create"});
    const std::vector<std::string> restore = {"restore", stack.newest(), "--yes", "--no-safety"};
    stack.use_on();
    const std::string used = stack.data();
    std::mt19937 random(8);
    const auto began = Clock::now();
    stack.must(restore);
    const auto time = std::chrono::duration_cast<Milliseconds>(Clock::now() - began);
    CHECK(stack.data() == data);
    stack.use_on();
    int kept = 0;
    for (int round = 0; round < rounds(6); ++round) {
      const char* service = std::vector<const char*>{"postgres", "clickhouse", "redis",
                                                     "minio"}[static_cast<std::size_t>(round % 4)];
      CAPTURE(service);
      const std::string pid = stack.pid_of(service);
      const pid_t child = stack.spawn(restore);
      std::this_thread::sleep_for(Milliseconds(random() % static_cast<unsigned>(time.count())));
      ::kill(static_cast<pid_t>(std::stol(pid)), SIGKILL);
      const int ended = exit_of(child);
      INFO(ended);
      INFO(stack.spawned());
      fusebox::test::mend_dead(stack, service);
      if (ended == 0) fusebox::test::remove_old_data(stack, restore);
      const std::string now = stack.data();
      if (now != data) CHECK(now == used);
      if (ended == 0) CHECK(now == data);
      stack.check_tidy();
      kept += now == used ? 1 : 0;
      if (now == data) stack.use_on();
    }
    MESSAGE(
        fmt::format("{} of {} restores were given up by the death of a server", kept, rounds(6)));
  }
}

TEST_CASE("a clock that jumps loses no generation: the newest is the one written last") {
  TwoStores::skip_without_servers();
  const TwoStores stack;
  constexpr long day = 86'400;
  const auto at = [&](long shift, std::vector<std::string> args) {
    const Ended ended = stack.with(
        {{"LD_PRELOAD", FUSEBOX_CLOCK_LIBRARY}, {"CLOCK_SHIFT", std::to_string(shift)}}, args);
    INFO(ended.all());
    CHECK(ended.exit_code == 0);
    return ended;
  };
  std::vector<std::string> made;  // the newest first
  std::string newest_data;
  for (const long shift : {0 * day, 400 * day, -3000 * day, 30 * day, -1 * day}) {
    stack.redis({"set", "shift", std::to_string(shift)});
    newest_data = stack.data();
    at(shift, {"backup", "create"});
    const auto now = stack.generations();
    REQUIRE(now.size() == made.size() + 1);
    CHECK(std::vector(now.begin() + 1, now.end()) == made);
    made = now;
  }
  // Their names tell that the clock did jump.
  CHECK_FALSE(std::is_sorted(made.rbegin(), made.rend()));
  // Whatever it says now, a prune keeps the newest, and what its rules keep is told beforehand.
  for (const long shift : {-4000 * day, 5000 * day, 0 * day}) {
    CAPTURE(shift);
    at(shift, {"--set=plugins.backup.keep_daily=2", "--set=plugins.backup.keep_weekly=0",
               "--set=plugins.backup.keep_monthly=0", "backup", "prune"});
    const auto left = stack.generations();
    REQUIRE_FALSE(left.empty());
    CHECK(left.front() == made.front());
    CHECK(left.size() >= 2);
  }
  stack.redis({"set", "shift", "none"});
  at(-4000 * day, {"restore", "latest", "--yes", "--no-safety"});
  CHECK(stack.data() == newest_data);
  stack.check_tidy();
}
