// SPDX-License-Identifier: Apache-2.0
// A drive as drives are: full, read-only, pulled out, lying about what it wrote; and a sync that is
// killed. What it has is whole, or no generation.
#include "e2e/drive_stack.hpp"
#include "support/search.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>
#include <boost/json.hpp>

#include <cstdlib>
#include <fstream>
#include <random>
#include <thread>

using fusebox::test::contains;
using fusebox::test::DriveStack;
using fusebox::test::Ended;
using fusebox::test::Mount;
using fusebox::test::noise;
using fusebox::test::slurp;
namespace fs = std::filesystem;
using Names = std::vector<std::string>;

TEST_CASE(
    "a sync that is killed at any moment leaves whole generations, and the next one goes on") {
  const char* wanted = std::getenv("FUSEBOX_TEST_KILLS");
  const int kills = wanted == nullptr ? 30 : std::atoi(wanted);
  DriveStack stack;
  const Mount drive(stack.drive(), "size=256m");
  stack.expect(0, {"drive", "init"});
  std::mt19937 random(11);
  Names names;
  for (int round = 0; round < kills; ++round) {
    if (round % 6 == 0) names.push_back(stack.make(6'000'000, 100U + static_cast<unsigned>(round)));
    if (round % 6 == 5) fs::remove_all(stack.copies() / names.back());
    fusebox::test::Child child = stack.start({"backup", "sync"});
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 250'000));
    child.stop(SIGKILL);
    for (const auto& one : DriveStack::list(stack.copies())) CHECK(one.problem == "");
  }
  stack.expect(0, {"backup", "sync"});
  CHECK(DriveStack::whole(stack.copies()) == names);
  CHECK(stack.damage(stack.copies()).empty());
  for (const auto& item : fs::directory_iterator(stack.copies()))
    CHECK_FALSE(item.path().filename().string().starts_with(".incoming"));
}

TEST_CASE("an interrupted copy goes on where it stopped, and nothing wrong survives in it") {
  DriveStack stack;
  const Mount drive(stack.drive(), "size=16m");
  stack.expect(0, {"drive", "init"});
  const std::string bytes = noise(1'000'000, 1);
  const std::string name = stack.make({{"a.bin", bytes}, {"b.bin", "second"}});
  struct Case {
    std::string a;  // what was left of a.bin
    double resumed;
    double written;
  };
  std::string wrong = bytes;
  wrong[400'000] = static_cast<char>(wrong[400'000] ^ 1);
  for (const Case& left :
       {Case{bytes, 1e6, 6}, Case{bytes.substr(0, 600'000), 600'000, 400'006},
        Case{"", 0, 1'000'006}, Case{wrong, 0, 1'000'006},
        Case{wrong.substr(0, 600'000), 0, 1'400'006}, Case{bytes + "more", 0, 1'000'006}}) {
    CAPTURE(left.a.size());
    fs::remove_all(stack.copies() / name);
    const fs::path incoming = stack.copies() / (".incoming-" + name);
    fs::create_directories(incoming);
    std::ofstream(incoming / "a.bin", std::ios::binary) << left.a;
    std::ofstream(incoming / "stranger") << "x";
    fs::create_directories(stack.copies() / ".incoming-20200101T000000Z-0000/deep");
    const Ended done = stack.expect(0, {"--json", "backup", "sync"});
    for (const auto& line : done.lines()) {
      if (line.at("type") != "step_finished") continue;
      const auto& metrics = line.at("result").at("metrics").as_object();
      const auto* resumed = metrics.if_contains("resumed");
      CHECK((resumed == nullptr ? 0 : resumed->at("value").to_number<double>()) == left.resumed);
      CHECK(metrics.at("written").at("value").to_number<double>() == left.written);
    }
    CHECK(stack.damage(stack.copies()).empty());
    CHECK(std::distance(fs::directory_iterator(stack.copies()), {}) == 2);  // and the lock
    CHECK_FALSE(fs::exists(stack.copies() / name / "stranger"));
  }
}

TEST_CASE("what does not fit is refused before a byte is written, the newest first") {
  DriveStack stack;
  const Mount drive(stack.drive(), "size=4m");
  stack.expect(0, {"drive", "init"});
  const std::string large = stack.make(6'000'000, 1);
  const Ended refused = stack.expect(1, {"backup", "sync"});
  CHECK(contains(refused.all(), "does not fit on the drive"));
  CHECK(DriveStack::list(stack.copies()).empty());
  CHECK_FALSE(fs::exists(stack.copies() / (".incoming-" + large)));
  const std::string small = stack.make(2'000'000, 2);
  const Ended partly = stack.expect(1, {"backup", "sync"});
  CHECK(contains(partly.all(), "copied 1 of 2 generations"));
  CHECK(DriveStack::whole(stack.copies()) == Names{small});
  CHECK(contains(stack.expect(1, {"--set=plugins.drive.min_free=10MiB", "backup", "sync"}).all(),
                 "stay free"));
}

TEST_CASE("a drive that fills up meanwhile fails the sync, and has what it had") {
  DriveStack stack;
  const Mount drive(stack.drive(), "size=6m");
  stack.expect(0, {"drive", "init"});
  const std::string first = stack.make(500'000, 1);
  stack.expect(0, {"backup", "sync"});
  // Blocks are counted as free, but no file can be made any more.
  const Mount few(stack.box() / "few", "size=6m,nr_inodes=8");
  const std::string second =
      stack.make({{"1", "x"}, {"2", "x"}, {"3", "x"}, {"4", "x"}, {"5", "x"}});
  stack.expect(0, {"--set=plugins.drive.path=few", "drive", "init"});
  const Ended full = stack.expect(1, {"--set=plugins.drive.path=few", "backup", "sync"});
  CHECK(contains(full.all(), "No space left on device"));
  CHECK(contains(full.all(), "make room"));
  for (const auto& one : DriveStack::list(stack.box() / "few/two-places")) CHECK(one.problem == "");
  stack.expect(0, {"backup", "sync"});
  CHECK(DriveStack::whole(stack.copies()) == Names{first, second});
}

TEST_CASE("a drive that is mounted read-only is told, with how to mount it writable") {
  DriveStack stack;
  const Mount drive(stack.drive(), "size=4m");
  stack.expect(0, {"drive", "init"});
  stack.make(1000, 1);
  drive.read_only(true);
  const Ended refused = stack.expect(1, {"backup", "sync"});
  CHECK(contains(refused.all(), fmt::format("mount -o remount,rw {}", stack.drive().string())));
  CHECK(contains(stack.expect(0, {"health"}).all(), "mounted read-only"));
  drive.read_only(false);
  stack.expect(0, {"backup", "sync"});
  drive.read_only(true);
  CHECK(contains(stack.expect(0, {"--use=store=drive", "backup", "list"}).all(), "1000 B"));
}

TEST_CASE(
    "D28: a drive that is pulled out in the middle fails the sync, and the folder below stays "
    "empty") {
  DriveStack stack;
  Mount drive(stack.drive(), "size=320m");
  stack.expect(0, {"drive", "init"});
  const std::string name = stack.make(std::string::size_type{150'000'000}, 1);
  fusebox::test::Child sync = stack.start({"backup", "sync"});
  const fs::path growing = stack.copies() / (".incoming-" + name) / "data.bin";
  while (sync.running() && !fs::exists(growing)) std::this_thread::yield();
  drive.pull();
  CHECK(sync.wait() == 1);
  const std::string told = slurp(stack.box() / "child.log");
  INFO(told);
  CHECK(contains(told, "went away"));
  CHECK(contains(told, "it goes on where it stopped"));
  CHECK(fs::is_empty(stack.drive()));
  CHECK(contains(stack.expect(75, {"backup", "sync"}).all(), "there has never been a copy"));
}

TEST_CASE("sync, list and verify work on ext4 as a drive has it; a bit that flips there is found") {
  DriveStack stack({}, R"([plugins.runtime-process.services.idle]
command = ["sleep", "1"]

[plugins.snapshot-volume]
volume = "idle"

[plugins.backup]
use = "backup-generations")");
  const Mount drive(Mount::of_image(stack.drive(), stack.box() / "drive.img", 16));
  stack.expect(0, {"drive", "init"});
  const std::string name = stack.make(2'000'000, 1);
  stack.expect(0, {"backup", "sync"});
  const Names verify = {"--use=store=drive", "backup", "verify", "--hashes-only"};
  stack.expect(0, verify);
  fusebox::test::flip_bit(stack.copies() / name / "data.bin");
  CHECK(contains(stack.expect(3, verify).all(), "data.bin is damaged"));
  stack.expect(0, {"backup", "verify", "--hashes-only"});
}

#ifdef BAD_DRIVE_LIBRARY
TEST_CASE(
    "D31: a drive that does not keep what is written to it is found out, and has no generation") {
  DriveStack stack;
  const Mount drive(stack.drive(), "size=16m");
  stack.expect(0, {"drive", "init"});
  const std::string name = stack.make(1'000'000, 1);
  fusebox::test::CallOptions bad;
  bad.environment = {{"LD_PRELOAD", BAD_DRIVE_LIBRARY}, {"BAD_DRIVE", stack.drive().string()}};
  const Ended failed = stack.box().fusebox({"backup", "sync"}, bad);
  INFO(failed.all());
  CHECK(failed.exit_code == 1);
  CHECK(contains(failed.all(), "the drive does not keep data.bin"));
  CHECK(DriveStack::list(stack.copies()).empty());
  stack.expect(0, {"backup", "sync"});
  CHECK(DriveStack::whole(stack.copies()) == Names{name});
  CHECK(stack.damage(stack.copies()).empty());
}
#endif
