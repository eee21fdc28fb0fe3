// SPDX-License-Identifier: Apache-2.0
// The schedule that the system itself runs, with a stand-in for systemctl.
#include "e2e/harness.hpp"
#include "run/lock.hpp"
#include "support/search.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>
#include <boost/json.hpp>

#include <cstdlib>
#include <iostream>
#include <thread>

using fusebox::test::contains;
using fusebox::test::Ended;
using fusebox::test::Sandbox;
namespace fs = std::filesystem;

#if defined(__linux__)

namespace {

// A stack in a folder whose name is hard to quote.
class Scheduled {
 public:
  Scheduled() {
    box_.write(fmt::format("{}/fusebox.toml", odd),
               "[stack]\nname = \"demo\"\n[phases.tidy]\nsteps = []\n");
  }
  Ended operator()(std::vector<std::string> args, const std::string& fails = {}) const {
    args.insert(args.begin(), {"backup", "schedule"});
    args.emplace_back("--user");
    const char* path = std::getenv("PATH");
    return box_.fusebox(
        args, {{{"PATH", fmt::format("{}/tests/support/systemctl:{}", FUSEBOX_SOURCE, path)},
                {"SYSTEMCTL_STAND_IN_LOG", log().string()},
                {"SYSTEMCTL_STAND_IN_UNITS", units().string()},
                {"SYSTEMCTL_STAND_IN_FAILS", fails}},
               {},
               box_ / odd});
  }
  fs::path log() const { return box_ / "systemctl.log"; }
  fs::path units() const { return box_ / "home/config/systemd/user"; }
  std::string unit(const std::string& name) const { return fusebox::test::slurp(units() / name); }
  const Sandbox& box() const { return box_; }
  static constexpr const char* odd = "a $HOME 100% \"b\"";

 private:
  Sandbox box_;
};

void expect(const Ended& ended, int exit_code) {
  INFO(ended.all());
  CHECK(ended.exit_code == exit_code);
}

boost::json::array jobs_of(const Scheduled& stack) {
  const auto shown = stack({"show", "--json"});
  INFO(shown.all());
  return shown.lines().at(0).at("jobs").as_array();
}

}  // namespace

TEST_CASE("a schedule is installed, shown, installed anew and removed") {
  const Scheduled stack;
  expect(stack({"show"}), 0);
  CHECK(jobs_of(stack).empty());

  const auto printed = stack({"install", "--print"});
  expect(printed, 0);
  CHECK(contains(printed.out, "OnCalendar=*-*-* 02:00:00"));
  CHECK(contains(printed.out, "systemctl --user enable"));
  CHECK_FALSE(fs::exists(stack.units()));
  CHECK_FALSE(fs::exists(stack.log()));

  const auto installed = stack({"install", "--weekly", "tidy"});
  expect(installed, 0);
  CHECK(contains(installed.err, "enable-linger"));
  CHECK(contains(printed.out, stack.unit("fusebox-demo-backup.timer")));
  auto jobs = jobs_of(stack);
  REQUIRE(jobs.size() == 3);
  CHECK(jobs[0].at("state") == "active");
  CHECK(jobs[0].at("next") == "Wed 2026-11-25 02:00:00 UTC");
  CHECK(jobs[0].at("result") == "exit code 1");
  CHECK(jobs[2].at("when") == "every Sunday at 04:00");

  // Other options: what is no longer wanted goes.
  expect(stack({"install", "--daily", "23:30", "--drill", "monthly"}), 0);
  CHECK(contains(stack.unit("fusebox-demo-backup.timer"), "*-*-* 23:30:00"));
  CHECK(contains(stack.unit("fusebox-demo-drill.timer"), "*-*-01 00:30:00"));
  CHECK_FALSE(fs::exists(stack.units() / "fusebox-demo-weekly.service"));
  CHECK_FALSE(fs::exists(stack.units() / "timers.target.wants/fusebox-demo-weekly.timer"));
  jobs = jobs_of(stack);
  REQUIRE(jobs.size() == 2);
  CHECK(jobs[1].at("state") == "active");

  // A file that somebody edited.
  const auto service = stack.units() / "fusebox-demo-backup.service";
  stack.box().write(fs::relative(service, stack.box().path()).string(),
                    stack.unit("fusebox-demo-backup.service") + "Nice=19\n");
  CHECK(jobs_of(stack)[0].at("state") == "differs");
  CHECK(contains(stack({"show"}).err, "schedule install"));

  expect(stack({"remove"}), 0);
  CHECK(contains(fusebox::test::slurp(stack.log()),
                 "--user disable --now fusebox-demo-backup.timer fusebox-demo-drill.timer"));
  CHECK(jobs_of(stack).empty());
  CHECK(fs::is_empty(stack.units() / "timers.target.wants"));
  expect(stack({"remove"}), 0);
}

TEST_CASE("a schedule that cannot be turned on leaves what was there before") {
  const Scheduled stack;
  const auto failed = stack({"install"}, "enable");
  INFO(failed.all());
  CHECK(failed.exit_code == 1);
  CHECK(contains(failed.err, "Failed to connect to bus"));
  CHECK_FALSE(fs::exists(stack.units() / "fusebox-demo-backup.timer"));
  // Enabled by then, but not started.
  CHECK(stack({"install"}, "restart").exit_code == 1);
  CHECK(fs::is_empty(stack.units() / "timers.target.wants"));
  expect(stack({"install"}), 0);
  const auto before = stack.unit("fusebox-demo-backup.timer");
  CHECK(stack({"install", "--daily", "05:00"}, "enable").exit_code == 1);
  CHECK(stack.unit("fusebox-demo-backup.timer") == before);
}

TEST_CASE("systemd itself finds nothing wrong with the units") {
  if (std::system("command -v systemd-analyze >/dev/null") != 0) {
    std::cerr << "systemd-analyze is not here: the units are NOT verified\n";
    return;
  }
  const Scheduled stack;
  expect(stack({"install", "--weekly", "tidy", "--monthly", "tidy"}), 0);
  for (const char* job : {"backup", "drill", "weekly", "monthly"}) {
    CAPTURE(job);
    const auto file = stack.units() / fmt::format("fusebox-demo-{}", job);
    const auto verified = stack.box().program(
        {"systemd-analyze", "verify", file.string() + ".service", file.string() + ".timer"});
    INFO(verified.all());
    CHECK(verified.exit_code == 0);
    CHECK_FALSE(contains(verified.err, "fusebox-demo"));
  }
}

TEST_CASE("a scheduled run waits for the one that holds the stack") {
  const Scheduled stack;
  const auto config = (stack.box() / Scheduled::odd / "fusebox.toml").string();
  Ended waited;
  std::thread late;
  {
    const auto lock = fusebox::run::StackLock::acquire(stack.box().state_dir("demo"), "deploy");
    late = std::thread([&] {
      waited = stack.box().fusebox({"--config", config, "run", "tidy", "--wait"});
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
  late.join();
  INFO(waited.all());
  CHECK(contains(waited.err, "waiting for deploy to end"));
  CHECK(waited.exit_code != 4);
}

#endif

TEST_CASE("what a schedule cannot do is said before anything is written") {
  const Sandbox box;
  box.write("fusebox.toml", "[stack]\nname = \"demo\"\n");
  for (const auto& args :
       std::vector<std::vector<std::string>>{{"pause"},
                                             {"install", "--daily", "25:00"},
                                             {"install", "--drill", "hourly"},
                                             {"install", "--weekly", "no-such-phase"}}) {
    auto words = args;
    words.insert(words.begin(), {"backup", "schedule"});
    const auto ended = box.fusebox(words);
    INFO(ended.all());
    CHECK(ended.exit_code == 2);
    CHECK(contains(ended.err, "hint:"));
  }
}
