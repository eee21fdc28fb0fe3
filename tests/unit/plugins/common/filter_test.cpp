// SPDX-License-Identifier: Apache-2.0
#include "common/filter.hpp"

#include <doctest/doctest.h>
#include <signal.h>

#include <array>
#include <chrono>
#include <string>
#include <thread>

#include "support/fake_host.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using fbx::common::Filter;

struct Stage {
  fusebox::test::FakeHost host;
  fbx_op raw{&host, {}};
  fbx::Op op{&fusebox::test::fake::table, &raw};
};

// All that the program writes.
std::string all_of(const Filter& filter) {
  std::string text;
  std::array<char, 256> room{};
  for (std::size_t got = 0; (got = filter.read(room)) > 0;) text.append(room.data(), got);
  return text;
}

// Within some seconds.
bool is_gone(pid_t pid) {
  for (int tries = 0; tries < 500; ++tries) {
    if (::kill(pid, 0) != 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace

TEST_CASE("what goes in comes out, and the program's end is told") {
  Stage stage;
  Filter filter(stage.op, {"sh", "-c", "read a; cat <&3; echo $a; echo err >&2; exit 3"}, "hello\n",
                "filtering");
  filter.write("bytes ");
  filter.close();
  CHECK(all_of(filter) == "bytes hello\n");
  const auto end = filter.wait();
  CHECK(end.exit_code == 3);
  CHECK(end.err == "err\n");
}

TEST_CASE(
    "a program that closes its output and lives on is given up at the deadline, with all that "
    "it started") {
  Stage stage;
  stage.host.deadline = Clock::now() + std::chrono::milliseconds(300);
  std::string started;
  {
    Filter filter(stage.op, {"sh", "-c", "sleep 600 >&- 2>&- 3<&- & echo $!; exec >&-; sleep 600"},
                  "", "waiting for a sleeper");
    started = all_of(filter);
    CHECK_THROWS_WITH_AS(filter.wait(), doctest::Contains("waiting for a sleeper"), fbx::Error);
  }
  REQUIRE(!started.empty());
  CHECK(is_gone(static_cast<pid_t>(std::stol(started))));
}

TEST_CASE("a cancel ends the wait") {
  Stage stage;
  Filter filter(stage.op, {"sh", "-c", "exec >&-; sleep 600"}, "", "waiting");
  CHECK(all_of(filter).empty());
  stage.host.cancelled = true;
  CHECK_THROWS_AS(filter.wait(), fbx::Error);
}
