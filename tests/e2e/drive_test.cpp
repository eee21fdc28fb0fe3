// SPDX-License-Identifier: Apache-2.0
// The second copy, on a drive that is really mounted: what counts as one, what gets there, what
// stays there.
#include "e2e/drive_stack.hpp"
#include "support/search.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/file.h>
#include <boost/json.hpp>

#include <fstream>
#include <thread>

using fusebox::test::contains;
using fusebox::test::DriveStack;
using fusebox::test::Ended;
using fusebox::test::flip_bit;
using fusebox::test::Mount;
using fusebox::test::noise;
using fusebox::test::slurp;
namespace fs = std::filesystem;
namespace json = boost::json;
using Names = std::vector<std::string>;

namespace {

// All that is below a folder, besides what the test put there itself.
Names contents(const fs::path& folder) {
  Names names;
  for (const auto& item : fs::recursive_directory_iterator(folder))
    names.push_back(item.path().filename().string());
  return names;
}

// The result of the one step of a run with --json.
json::object result_of(const Ended& ended) {
  for (const auto& line : ended.lines())
    if (line.at("type") == "step_finished" && line.contains("result"))
      return line.at("result").as_object();
  return {};
}

double metric(const json::object& result, std::string_view name) {
  const auto* one = result.at("metrics").as_object().if_contains(name);
  return one == nullptr ? 0 : one->at("value").to_number<double>();
}

void wait_until(const std::function<bool()>& true_at_last) {
  for (int i = 0; i < 500 && !true_at_last(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(true_at_last());
}

}  // namespace

TEST_CASE("D28: a folder of the internal disk is no drive, and never written to") {
  DriveStack stack;
  stack.make(1000, 1);
  const Ended absent = stack.expect(75, {"backup", "sync"});
  CHECK(contains(absent.all(), "folder of the internal disk"));
  CHECK(contains(absent.all(), "there has never been a copy"));
  const Ended init = stack.expect(1, {"drive", "init"});
  CHECK(contains(init.all(), "no drive is mounted there"));
  CHECK(contents(stack.drive()).empty());
  // Not even one that has the marker of a drive, from where it was mounted once.
  std::ofstream(stack.drive() / ".fusebox-drive") << R"({"id":"0123","stack":"two-places"})";
  const Ended marked = stack.expect(1, {"backup", "sync"});
  CHECK(contains(marked.all(), "though it has a drive's marker"));
  stack.expect(2, {"--use", "store=drive", "backup", "list"});
  CHECK(contents(stack.drive()) == Names{".fusebox-drive"});
  fs::remove_all(stack.drive());
  stack.expect(75, {"backup", "sync"});
  CHECK_FALSE(fs::exists(stack.drive()));
}

TEST_CASE(
    "a drive is known by its marker: none, another stack's, another id, a damaged one are "
    "refused") {
  DriveStack stack;
  const std::string name = stack.make(1000, 1);
  const Mount drive(stack.drive(), "size=4m");
  const Ended bare = stack.expect(1, {"backup", "sync"});
  CHECK(contains(bare.all(), "fusebox drive init"));
  CHECK(contents(stack.drive()).empty());

  stack.expect(0, {"drive", "init", "--dry-run"});
  CHECK(contents(stack.drive()).empty());
  stack.expect(0, {"drive", "init"});
  const fs::path marker = stack.drive() / ".fusebox-drive";
  const std::string text = slurp(marker);
  stack.expect(0, {"drive", "init"});
  CHECK(slurp(marker) == text);
  stack.expect(0, {"backup", "sync"});
  CHECK(DriveStack::whole(stack.copies()) == Names{name});

  const auto id = std::string(json::parse(text).at("id").as_string());
  stack.expect(0, {"--set=plugins.drive.id=" + id, "backup", "sync"});
  stack.expect(1, {"--set=plugins.drive.id=another", "backup", "sync"});
  stack.expect(1, {"--set=plugins.drive.volume=0-1-2", "backup", "sync"});
  for (const char* wrong :
       {R"({"id":"1","stack":"somebody-elses"})", R"({"stack":"two-places"})", "{", ""}) {
    CAPTURE(wrong);
    std::ofstream(marker) << wrong;
    stack.expect(1, {"backup", "sync"});
    stack.expect(1, {"drive", "init"});
    stack.expect(2, {"--use=store=drive", "backup", "list"});
    CHECK(slurp(marker) == wrong);
  }
}

TEST_CASE("a copy of a drive is not the drive: the file system's UUID must be the marker's") {
  DriveStack stack;
  stack.make(1000, 1);
  std::optional<Mount> drive(Mount::of_image(stack.drive(), stack.box() / "one.img", 8));
  // What udev does for a drive that is plugged in.
  const fs::path links = "/dev/disk/by-uuid";
  const bool made_links = fs::create_directories(links);
  const fs::path link = links / "fusebox-test-one";
  fs::create_symlink(drive->device(), link);
  stack.expect(0, {"drive", "init"});
  const std::string marker = slurp(stack.drive() / ".fusebox-drive");
  CHECK(contains(marker, "fusebox-test-one"));
  stack.expect(0, {"backup", "sync"});
  stack.expect(0, {"--set=plugins.drive.volume=fusebox-test-one", "backup", "sync"});
  fs::rename(link, links / "fusebox-test-two");
  const Ended copy = stack.expect(1, {"backup", "sync"});
  CHECK(contains(copy.all(), "it is a copy of the drive"));
  fs::remove(links / "fusebox-test-two");
  if (made_links) fs::remove(links);
}

TEST_CASE(
    "D31: whole generations get to the drive byte for byte, and what is there is proven there") {
  DriveStack stack;
  const Mount drive(stack.drive(), "size=32m");
  stack.expect(0, {"drive", "init"});
  const std::string first =
      stack.make({{"a.bin", noise(3'000'000, 1)}, {"empty", ""}, {"t.txt", "hello"}});
  const std::string second = stack.make({{"a.bin", noise(2'000'000, 2)}}, "before the update");
  const Ended plan = stack.expect(0, {"backup", "sync", "--dry-run"});
  CHECK(contains(plan.out, "copy " + first));
  CHECK(contains(plan.out, "2.9 MiB"));
  CHECK_FALSE(fs::exists(stack.copies()));

  const auto done = result_of(stack.expect(0, {"--json", "backup", "sync"}));
  CHECK(metric(done, "copied") == 2);
  CHECK(metric(done, "written") == 5'000'005);
  CHECK(stack.box()
            .program({"diff", "-r", "--exclude=.lock", stack.originals().string(),
                      stack.copies().string()})
            .exit_code == 0);
  CHECK(stack.damage(stack.copies()).empty());
  const auto again = result_of(stack.expect(0, {"--json", "backup", "sync"}));
  CHECK(metric(again, "copied") == 0);
  CHECK(again.at("changed") == json::value(false));

  // The stack's store stays the one it was, and the drive is one for those who choose it.
  CHECK(contains(stack.expect(0, {"backup", "list"}).all(), stack.originals().string()));
  const Ended there = stack.expect(0, {"--use=store=drive", "backup", "list"});
  CHECK(contains(there.all(), stack.copies().string()));
  CHECK(contains(there.out, "pinned: before the update"));
  const Ended circle = stack.expect(1, {"--use=store=drive", "backup", "sync"});
  CHECK(contains(circle.all(), "on the external drive itself"));

  // A pin that came later follows; one that went stays.
  stack.expect(0, {"backup", "pin", first, "the good one"});
  stack.expect(0, {"backup", "unpin", second});
  stack.expect(0, {"backup", "sync"});
  for (const auto& one : DriveStack::list(stack.copies())) CHECK(one.pin != "");

  // A copy that lost something on the drive is made again.
  fs::resize_file(stack.copies() / second / "a.bin", 1000);
  CHECK(contains(stack.expect(0, {"health"}).all(), "is damaged on the drive"));
  stack.expect(0, {"backup", "sync"});
  CHECK(stack.damage(stack.copies()).empty());
  CHECK(DriveStack::whole(stack.copies()) == Names{first, second});
}

TEST_CASE("D27: what vanishes from the store or is damaged there stays whole on the drive") {
  DriveStack stack;
  const Mount drive(stack.drive(), "size=32m");
  stack.expect(0, {"drive", "init"});
  Names names;
  for (unsigned seed = 1; seed <= 3; ++seed) names.push_back(stack.make(200'000, seed));
  stack.expect(0, {"backup", "sync"});

  fs::remove_all(stack.originals() / names[0]);
  flip_bit(stack.originals() / names[1] / "data.bin");
  fs::resize_file(stack.originals() / names[2] / "data.bin", 10);
  const std::string fourth = stack.make(200'000, 4);
  names.push_back(fourth);
  const Ended fewer = stack.expect(0, {"backup", "sync"});
  CHECK(contains(fewer.all(), "1 of them no longer in the store"));
  CHECK(DriveStack::whole(stack.copies()) == names);
  CHECK(stack.damage(stack.copies()).empty());

  // Damaged before it was ever copied: told, not copied, and no reason to leave out the others.
  const std::string rotten = stack.make(200'000, 5);
  flip_bit(stack.originals() / rotten / "data.bin");
  const std::string cut = stack.make(200'000, 6);
  fs::resize_file(stack.originals() / cut / "data.bin", 10);
  const std::string good = stack.make(200'000, 7);
  names.push_back(good);
  const Ended told = stack.expect(1, {"backup", "sync"});
  CHECK(contains(told.all(), rotten + " is damaged in the store"));
  CHECK(contains(told.all(), cut + " is damaged in the store"));
  CHECK(DriveStack::whole(stack.copies()) == names);
  CHECK(stack.damage(stack.copies()).empty());

  for (const bool is_there : {true, false}) {
    fs::remove_all(stack.originals());
    if (is_there) fs::create_directory(stack.originals());
    const Ended empty = stack.expect(1, {"backup", "sync"});
    CHECK(contains(empty.all(), "has no whole generation"));
    CHECK(contains(empty.all(), "the drive keeps its 5 generations"));
    CHECK(DriveStack::whole(stack.copies()) == names);
  }

  // A new store begins to count at 1 again: what it makes is the newest nevertheless.
  const std::string reborn = stack.make(1000, 8);
  stack.expect(0, {"backup", "sync"});
  const std::string reborn2 = stack.make(1000, 9);
  stack.expect(0, {"backup", "sync"});
  names.push_back(reborn);
  names.push_back(reborn2);
  CHECK(DriveStack::whole(stack.copies()) == names);
}

TEST_CASE("D29: while one sync works, another gets a clear no and takes nothing from it") {
  DriveStack stack;
  const Mount drive(stack.drive(), "size=8m");
  stack.expect(0, {"drive", "init"});
  const std::string name = stack.make(1000, 1);
  fs::create_directory(stack.copies());
  const fbx::store::Generations holder(fbx::common::Folder::open(stack.copies()));
  {
    const auto lock = holder.lock();
    for (int i = 0; i < 2; ++i) {
      const Ended refused = stack.expect(1, {"backup", "sync"});
      CHECK(contains(refused.all(), "another backup works in"));
    }
    CHECK_THROWS_AS(holder.lock(), fbx::Error);  // the refused ones did not free it
    CHECK(DriveStack::whole(stack.copies()).empty());
  }
  stack.expect(0, {"backup", "sync"});
  CHECK(DriveStack::whole(stack.copies()) == Names{name});
}

TEST_CASE(
    "D30: sync is a stage of the pipeline: its failure fails it, an absent drive is a soft skip") {
  DriveStack stack({}, R"([phases.backup]
steps = ["drive.sync", "drive.check"])");
  stack.make(1000, 1);
  CHECK(stack.expect(75, {"backup", "create"}).exit_code == 75);
  const Mount drive(stack.drive(), "size=8m");
  const Ended failed = stack.expect(1, {"backup", "create"});
  CHECK(contains(failed.all(), "drive.sync: FAILED"));
  stack.expect(0, {"drive", "init"});
  stack.expect(0, {"backup", "create"});
  flip_bit(stack.originals() / stack.make(1000, 2) / "data.bin");
  stack.expect(1, {"backup", "create"});
}

TEST_CASE("an absent drive tells the age of the last good copy, which health judges") {
  DriveStack stack;
  const std::string name = stack.make(1000, 1);
  CHECK(contains(stack.expect(0, {"health"}).all(), "there is no second copy yet"));
  {
    const Mount drive(stack.drive(), "size=8m");
    stack.expect(0, {"drive", "init"});
    stack.expect(0, {"backup", "sync"});
    CHECK(
        contains(stack.expect(0, {"-v", "health"}).all(), "the drive is there, with 1 generation"));
    fs::remove_all(stack.copies() / name);
    CHECK(contains(stack.expect(3, {"health"}).all(), "no longer has what was copied to it"));
  }
  const std::string age =
      fmt::format("the last good copy was made less than a minute ago ({})", name);
  CHECK(contains(stack.expect(75, {"backup", "sync"}).all(), age));
  CHECK(contains(stack.expect(0, {"backup", "sync", "--dry-run"}).all(), age));
  CHECK(contains(stack.expect(0, {"-v", "health"}).all(), age));
  const Ended overdue = stack.expect(0, {"--set=plugins.drive.max_age=1ms", "health"});
  CHECK(contains(overdue.all(), "the second copy is overdue"));
}

TEST_CASE("the drive keeps by rules of its own, and copies nothing that they would remove") {
  DriveStack stack;
  const Mount drive(stack.drive(), "size=8m");
  stack.expect(0, {"drive", "init"});
  Names names;
  names.push_back(stack.make({{"f", "1"}}, "for ever"));
  for (unsigned seed = 2; seed <= 4; ++seed) names.push_back(stack.make(1000, seed));
  stack.expect(0, {"--set=plugins.drive.keep_last=2", "backup", "sync"});
  CHECK(DriveStack::whole(stack.copies()) == Names{names[0], names[2], names[3]});
  CHECK(metric(result_of(stack.expect(
                   0, {"--json", "--set=plugins.drive.keep_last=2", "backup", "sync"})),
               "copied") == 0);
  // Raised: the older one comes, and is not the newest for that.
  stack.expect(0, {"--set=plugins.drive.keep_last=3", "backup", "sync"});
  CHECK(DriveStack::whole(stack.copies()) == names);
  names.push_back(stack.make(1000, 5));
  stack.expect(0, {"--set=plugins.drive.keep_last=2", "backup", "sync"});
  CHECK(DriveStack::whole(stack.copies()) == Names{names[0], names[3], names[4]});
}

TEST_CASE("monitor waits for the drive, syncs when it comes, and ends by Ctrl-C") {
  DriveStack stack;
  const std::string name = stack.make(1000, 1);
  CHECK(contains(stack.expect(75, {"backup", "monitor", "--once", "--for", "200ms"}).all(),
                 "the external drive did not come"));
  {
    Mount drive(stack.drive(), "size=8m");
    stack.expect(0, {"drive", "init"});
    drive.pull();
  }
  fusebox::test::Child once = stack.start({"backup", "monitor", "--once", "--for", "60s"});
  fusebox::test::Child always = stack.start({"backup", "monitor"});
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  CHECK(once.running());
  // The marker is of the first one: this one is refused until it is there.
  const Mount drive(stack.drive(), "size=8m");
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  CHECK(once.running());
  CHECK_FALSE(fs::exists(stack.copies()));
  stack.expect(0, {"drive", "init"});
  const Mount other(stack.box() / "other", "size=1m");  // any mount makes it look again
  CHECK(once.wait() == 0);
  wait_until([&] { return DriveStack::whole(stack.copies()) == Names{name}; });
  CHECK(always.running());
  ::kill(always.pid(), SIGINT);
  CHECK(always.wait() == 130);
}

TEST_CASE("what only offers a store is none until it is chosen, and the error says how") {
  DriveStack stack;
  const auto config = slurp(stack.box() / "fusebox.toml");
  const auto from = config.find("[plugins.backup-local]");
  const auto to = config.find("[plugins.drive]");
  stack.box().write("fusebox.toml", config.substr(0, from) + config.substr(to));
  const Mount drive(stack.drive(), "size=8m");
  const Ended none = stack({"backup", "list"});
  CHECK(none.exit_code != 0);
  CHECK(contains(none.all(), "\"drive\" offers it: --use store=drive"));
  const Ended sync = stack.expect(2, {"backup", "sync"});
  CHECK(contains(sync.all(), "\"drive\" needs fusebox.store/1"));
}
