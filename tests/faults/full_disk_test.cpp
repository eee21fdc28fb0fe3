// SPDX-License-Identifier: Apache-2.0
// Disks that somebody else fills up in the middle of a backup, and of a restore.
#include "faults/rounds.hpp"
#include "support/mount.hpp"
#include "support/temp_dir.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include <chrono>
#include <random>
#include <thread>

using fusebox::test::await;
using fusebox::test::contains;
using fusebox::test::Ended;
using fusebox::test::exit_of;
using fusebox::test::is_begun;
using fusebox::test::LoadedDemo;
using fusebox::test::Mount;
using fusebox::test::rounds;
namespace fs = std::filesystem;
using Milliseconds = std::chrono::milliseconds;

TEST_CASE("a backup folder that fills up at any offset fails the backup, and what is there stays") {
  fusebox::test::skip_unless_complete();
  const LoadedDemo stack;
  const Mount disk(stack.box() / "demo/backups", "size=96m");
  const std::string min_free = "--set=plugins.backup-local.min_free=0";
  stack.must({min_free, "backup", "create"});
  const std::string good = stack.newest();
  std::uint64_t size = 0;
  for (const auto& entry : fs::directory_iterator(stack.backups() / good))
    size += entry.file_size();
  const std::string data = stack.data();

  std::mt19937 random(5);
  int failed = 0;
  for (int round = 0; round < rounds(6); ++round) {
    CAPTURE(round);
    const pid_t child = stack.spawn({min_free, "backup", "create"});
    await([&] { return is_begun(stack.backups()); });
    disk.fill(random() % (size * 9 / 10));
    const int code = exit_of(child);
    INFO(stack.spawned());
    CHECK(code == 1);
    CHECK(contains(stack.spawned(), "No space left on device"));
    CHECK_FALSE(is_begun(stack.backups()));
    disk.make_room();
    CHECK(stack.generations().size() == 1);
    failed += code == 1 ? 1 : 0;
  }
  CHECK(stack({"backup", "verify", good}).exit_code == 0);
  CHECK(stack.data() == data);
  // What can be seen beforehand is refused before a byte is written.
  disk.fill(size / 2);
  const Ended refused = stack({min_free, "backup", "create"});
  INFO(refused.all());
  CHECK(refused.exit_code == 1);
  CHECK(contains(refused.all(), "the backup needs about"));
  disk.make_room();
  stack.must({min_free, "backup", "create"});
  MESSAGE(fmt::format("{} backups met a full disk", failed));
}

TEST_CASE("a data disk that fills up in the middle of a restore leaves the data as it was") {
  fusebox::test::skip_unless_complete();
  const fusebox::test::TempDir folder;
  fs::permissions(folder.path(), fs::perms::others_exec, fs::perm_options::add);
  // Not a file system of memory: MinIO wants direct I/O.
  const Mount disk(Mount::of_image(folder / "data", folder / "image", 700));
  const LoadedDemo stack([&](std::string text) {
    const auto put = [&](const std::string& table, const std::string& lines) {
      const std::string header = fmt::format("[plugins.{}]\n", table);
      text.insert(text.find(header) + header.size(), lines);
    };
    put("runtime-process", fmt::format("data_dir = \"{}\"\n", (folder / "data/stack").string()));
    for (const char* probe : {"postgres", "clickhouse", "redis", "minio"})
      put(fmt::format("probe-{}", probe), "disk_fail_percent = 0\ndisk_min_free = 0\n");
    return text;
  });
  stack.must({"backup", "create"});
  const std::string wanted = stack.newest();
  const std::string data = stack.data();
  stack.use_on();
  const std::string used = stack.data();
  const std::vector<std::string> restore = {"restore", wanted, "--yes", "--no-safety"};
  // What can be seen beforehand is refused before a byte is written.
  disk.fill(6'000'000);
  const Ended refused = stack(restore);
  INFO(refused.all());
  CHECK(refused.exit_code == 1);
  CHECK(contains(refused.all(), "a second copy of"));
  disk.make_room();
  CHECK(stack.data() == used);

  const auto began = std::chrono::steady_clock::now();
  stack.must(restore);
  const auto time =
      std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - began);
  stack.use_on();
  std::mt19937 random(9);
  int failed = 0;
  for (int round = 0; round < rounds(4); ++round) {
    CAPTURE(round);
    const pid_t child = stack.spawn(restore);
    std::this_thread::sleep_for(Milliseconds(random() % static_cast<unsigned>(time.count())));
    disk.fill(random() % 1'000'000);
    const int code = exit_of(child);
    INFO(code);
    INFO(stack.spawned());
    disk.make_room();
    fusebox::test::mend_dead(stack, "postgres");  // without room for its log it stops
    if (code == 0) fusebox::test::remove_old_data(stack, restore);
    const std::string now = stack.data();
    if (now != data) CHECK(now == used);
    if (code == 0) CHECK(now == data);
    stack.check_tidy();
    failed += code == 0 ? 0 : 1;
    if (now == data) stack.use_on();
  }
  MESSAGE(fmt::format("{} of {} restores met a full disk", failed, rounds(4)));
}
