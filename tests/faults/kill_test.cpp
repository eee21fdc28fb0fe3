// SPDX-License-Identifier: Apache-2.0
// kill -9 at every journal boundary of a deploy of real servers: the next command says so,
// `recover` brings back what was before, and no process is orphaned.
#include "faults/two_servers.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <set>

using fusebox::test::CallOptions;
using fusebox::test::Ended;
using fusebox::test::Sandbox;
using fusebox::test::TwoServers;
namespace fs = std::filesystem;

namespace {

// The pids of all processes that run out of the sandbox: their command line or folder names it.
std::set<pid_t> processes_of(const Sandbox& sandbox) {
  std::set<pid_t> found;
  const std::string mark = sandbox.path().string();
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream in(entry.path() / "cmdline", std::ios::binary);
    std::string cmdline;
    std::getline(in, cmdline);  // of a process that ends meanwhile: empty
    std::error_code gone;
    const fs::path cwd = fs::read_symlink(entry.path() / "cwd", gone);
    if (cmdline.find(mark) != std::string::npos || (!gone && cwd.string().starts_with(mark)))
      found.insert(static_cast<pid_t>(std::stol(name)));
  }
  return found;
}

struct Fault {
  long at;
  const char* when;
  const char* who;
};

CallOptions with_fault(const Sandbox& sandbox, const Fault& fault) {
  CallOptions options;
  options.environment = {{"LD_PRELOAD", FUSEBOX_KILL_LIBRARY},
                         {"FAULT_COUNT", (sandbox / "boundaries").string()},
                         {"FAULT_AT", std::to_string(fault.at)},
                         {"FAULT_WHEN", fault.when},
                         {"FAULT_WHO", fault.who}};
  return options;
}

// How many boundaries a deploy has; it also proves that the stack deploys at all.
long count_boundaries() {
  TwoServers stack;
  const Sandbox& sandbox = stack.box();
  const Ended ended = sandbox.fusebox({"deploy"}, with_fault(sandbox, {0, "after", "group"}));
  REQUIRE_MESSAGE(ended.exit_code == 0, ended.all());
  CHECK_FALSE(processes_of(sandbox).empty());
  const Ended down = sandbox.fusebox({"down"});
  CHECK_MESSAGE(down.exit_code == 0, down.all());
  CHECK(processes_of(sandbox).empty());
  return static_cast<long>(fs::file_size(sandbox / "boundaries"));
}

void check_state_before(const Sandbox& sandbox) {
  CHECK(processes_of(sandbox).empty());
  CHECK_FALSE(fs::exists(sandbox / "data/postgres"));
  CHECK_FALSE(fs::exists(sandbox / "data/redis"));
}

void kill_and_recover(const Fault& fault) {
  CAPTURE(fault.at);
  CAPTURE(fault.when);
  CAPTURE(fault.who);
  TwoServers stack;
  const Sandbox& sandbox = stack.box();
  const Ended killed = sandbox.fusebox({"deploy"}, with_fault(sandbox, fault));
  INFO(killed.all());
  CHECK(killed.exit_code != 0);

  // The next command tells, where there is something to tell: a run whose first record is not on
  // disk, or whose end is, is not open.
  const Ended next = sandbox.fusebox({"up"});
  INFO(next.all());
  if (next.exit_code == 4) {
    CHECK(next.err.find("recover") != std::string::npos);
    const Ended recovered = sandbox.fusebox({"recover", "--undo"});
    INFO(recovered.all());
    CHECK(recovered.exit_code == 0);
    check_state_before(sandbox);
    const Ended again = sandbox.fusebox({"deploy"});
    CHECK_MESSAGE(again.exit_code == 0, again.all());
  } else {
    CHECK(next.exit_code == 0);
  }
  const Ended down = sandbox.fusebox({"down"});
  CHECK_MESSAGE(down.exit_code == 0, down.all());
  CHECK(processes_of(sandbox).empty());
}

}  // namespace

TEST_CASE("kill -9 at every journal boundary of deploy is recovered from") {
  TwoServers::skip_without_servers();
  const long boundaries = count_boundaries();
  REQUIRE(boundaries >= 8);  // run, three steps and their ends, the end; and the checkpoints
  MESSAGE("boundaries of one deploy: " << boundaries);
  for (long at = 1; at <= boundaries; ++at)
    for (const char* when : {"before", "after"}) kill_and_recover({at, when, "group"});
}

TEST_CASE(
    "kill -9 of fusebox's parent process alone takes its worker along, and is recovered from") {
  TwoServers::skip_without_servers();
  kill_and_recover({4, "after", "parent"});
}

TEST_CASE("kill -9 of the worker alone is undone by its parent at once") {
  TwoServers::skip_without_servers();
  TwoServers stack;
  const Sandbox& sandbox = stack.box();
  const Ended ended = sandbox.fusebox({"deploy"}, with_fault(sandbox, {6, "after", "self"}));
  INFO(ended.all());
  CHECK(ended.exit_code == 1);
  CHECK(ended.all().find("signal 9 (Killed)") != std::string::npos);
  check_state_before(sandbox);
  CHECK(sandbox.fusebox({"deploy"}).exit_code == 0);
  CHECK(sandbox.fusebox({"down"}).exit_code == 0);
}
