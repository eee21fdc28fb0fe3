// SPDX-License-Identifier: Apache-2.0
// kill -9 in restores, backups and prunes of real servers: after `recover`, the data is what it was
// or what was restored, whole; no generation is lost; nothing lies about. FUSEBOX_TEST_KILLS=<n>
// kills at n random moments instead of a dozen, and on both sides of every journal boundary.
#include "e2e/loaded_demo.hpp"
#include "faults/rounds.hpp"
#include "faults/two_stores.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>
#include <boost/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <random>
#include <thread>

using fusebox::test::contains;
using fusebox::test::Ended;
using fusebox::test::LoadedDemo;
using fusebox::test::Stack;
using fusebox::test::TwoStores;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

namespace {

bool is_long() { return std::getenv("FUSEBOX_TEST_KILLS") != nullptr; }

// How a killed run ended, once `recover` had dealt with it.
struct Tally {
  int old_data = 0;
  int new_data = 0;
  int refused = 0;  // of new_data: undo was refused, since the old data was being removed

  std::string text() const {
    return fmt::format("{} ended with the old data, {} with the restored ({} of them past undo)",
                       old_data, new_data, refused);
  }
};

enum class How { undo, resume };

// Deals with the run that was killed, if it is open. True when undo was refused.
bool recover(const Stack& stack, How how) {
  const Ended recovered = stack({"recover", how == How::undo ? "--undo" : "--resume"});
  INFO(recovered.all());
  const bool refused = how == How::undo && recovered.exit_code == 6;
  if (refused) {
    CHECK(contains(recovered.all(), "the restore was complete"));
    const Ended forgotten = stack({"recover", "--forget"});
    INFO(forgotten.all());
    CHECK(forgotten.exit_code == 0);
  } else {
    CHECK((recovered.exit_code == 0 || contains(recovered.err, "no run")));
  }
  const Ended up = stack({"up"});
  INFO(up.all());
  CHECK(up.exit_code == 0);
  return refused;
}

template <class Loaded>
class Restores {
 public:
  Restores(const Loaded& stack, std::string generation)
      : stack_(stack), generation_(std::move(generation)), new_(stack.data()) {
    stack_.use_on();
    old_ = stack_.data();
    REQUIRE(old_ != new_);
  }

  std::vector<std::string> command() const {
    return {"restore", generation_, "--yes", "--no-safety"};
  }

  // After a kill: recovers, and requires one of the two, whole.
  void judge(How how) {
    const bool refused = recover(stack_, how);
    const std::string now = stack_.data();
    const bool is_new = now == new_;
    if (!is_new) CHECK(now == old_);
    if (refused) CHECK(is_new);
    // What is left of the old data of such a one goes with the next restore.
    if (!refused) stack_.check_tidy();
    tally_.old_data += is_new ? 0 : 1;
    tally_.new_data += is_new ? 1 : 0;
    tally_.refused += refused ? 1 : 0;
    if (is_new) stack_.use_on();
    REQUIRE(stack_.data() == old_);
  }

  // One that nobody kills ends with the restored data, and all that the others left is gone.
  void finish() {
    const Ended restored = stack_(command());
    INFO(restored.all());
    CHECK(restored.exit_code == 0);
    CHECK(stack_.data() == new_);
    stack_.check_tidy();
  }

  const std::string& old_data() const { return old_; }
  const std::string& new_data() const { return new_; }
  const Tally& tally() const { return tally_; }

 private:
  const Loaded& stack_;
  std::string generation_;
  std::string new_;
  std::string old_;
  Tally tally_;
};

std::map<std::string, std::string> fault(const Stack& stack, long at, const char* when) {
  const fs::path count = stack.box() / "boundaries";
  fs::remove(count);
  return {{"LD_PRELOAD", FUSEBOX_KILL_LIBRARY},
          {"FAULT_COUNT", count.string()},
          {"FAULT_AT", std::to_string(at)},
          {"FAULT_WHEN", when},
          {"FAULT_WHO", "group"}};
}

void kill_after(pid_t group, Milliseconds delay) {
  std::this_thread::sleep_for(delay);
  ::kill(-group, SIGKILL);
  fusebox::test::exit_of(group);
}

Milliseconds time_of(const std::function<void()>& work) {
  const auto began = Clock::now();
  work();
  return std::chrono::duration_cast<Milliseconds>(Clock::now() - began);
}

}  // namespace

TEST_CASE("kill -9 at every journal boundary of a restore leaves the old data or the new, whole") {
  TwoStores::skip_without_servers();
  const TwoStores stack;
  stack.must({"backup", "create"});
  Restores restores(stack, stack.generations().at(0));
  const Ended whole = stack.with(fault(stack, 0, "after"), restores.command());
  INFO(whole.all());
  REQUIRE(whole.exit_code == 0);
  REQUIRE(stack.data() == restores.new_data());
  stack.use_on();
  const auto boundaries = static_cast<long>(fs::file_size(stack.box() / "boundaries"));
  REQUIRE(boundaries >= 20);  // the run, nine steps and their ends, the end

  for (long at = 1; at <= boundaries; ++at) {
    for (const char* when : {"before", "after"}) {
      // The records of a step that begins are even ones, those of its end odd. Where nothing was
      // done since the record before, the kill there is the same.
      const bool differs = (at % 2 == 0) == (std::string_view(when) == "after");
      if (!differs && !is_long()) continue;
      CAPTURE(at);
      CAPTURE(when);
      const Ended killed = stack.with(fault(stack, at, when), restores.command());
      INFO(killed.all());
      CHECK(killed.exit_code != 0);
      restores.judge(How::undo);
    }
  }
  // Past undo: from the begin of `settle` to its end's record.
  CHECK(restores.tally().refused >= 1);
  CHECK(restores.tally().old_data > restores.tally().new_data);

  for (long at = 2; at <= boundaries; at += is_long() ? 1 : 5) {
    CAPTURE(at);
    const Ended killed = stack.with(fault(stack, at, "before"), restores.command());
    INFO(killed.all());
    CHECK(killed.exit_code != 0);
    restores.judge(How::resume);
  }
  restores.finish();
  MESSAGE(fmt::format("{} boundaries: {}", boundaries, restores.tally().text()));
}

TEST_CASE("kill -9 at random moments of restores, backups and prunes loses nothing") {
  fusebox::test::skip_unless_complete();
  const LoadedDemo stack;
  stack.must({"backup", "create", "--pin", "the one that is restored"});
  const std::string pinned = stack.newest();
  Restores restores(stack, pinned);
  const std::vector<std::string> create = {"backup", "create"};
  const std::vector<std::string> prune = {"--set=plugins.backup.keep_last=1",
                                          "--set=plugins.backup.keep_daily=0",
                                          "--set=plugins.backup.keep_weekly=0",
                                          "--set=plugins.backup.keep_monthly=0",
                                          "backup",
                                          "prune"};
  const auto create_time = time_of([&] { stack.must(create); });
  const auto restore_time = time_of([&] { stack.must(restores.command()); });
  stack.use_on();
  REQUIRE(stack.data() == restores.old_data());

  std::mt19937 random(22);
  const auto within = [&](Milliseconds time) {
    return Milliseconds(random() % static_cast<unsigned>(time.count() + 1));
  };
  int backups = 0;
  int prunes = 0;
  for (int round = 0; round < fusebox::test::rounds(12); ++round) {
    CAPTURE(round);
    if (round % 2 == 0) {
      kill_after(stack.spawn(restores.command()), within(restore_time));
      INFO(stack.spawned());
      restores.judge(How::undo);
      continue;
    }
    const bool is_prune = round % 6 == 5;
    const auto before = stack.generations().size();
    kill_after(stack.spawn(is_prune ? prune : create),
               within(is_prune ? create_time / 4 : create_time));
    INFO(stack.spawned());
    recover(stack, How::undo);
    bool has_pinned = false;
    const auto after = stack.generations();
    for (const auto& one : after) {
      CHECK(one.at("problem").is_null());
      has_pinned = has_pinned || one.at("generation").as_string() == pinned.c_str();
    }
    CHECK(has_pinned);
    CHECK((is_prune ? after.size() >= 2 : after.size() >= before));
    (is_prune ? prunes : backups) += 1;
  }
  CHECK(stack.data() == restores.old_data());
  stack.must(create);
  const auto listed = stack.json({"backup", "list"});
  CHECK(listed.at("interrupted").as_array().empty());
  for (const auto& one : listed.at("generations").as_array())
    stack.must({"backup", "verify", std::string(one.at("generation").as_string())});
  restores.finish();
  MESSAGE(fmt::format("{} restores: {}; {} backups, {} prunes; {} generations verified",
                      restores.tally().old_data + restores.tally().new_data,
                      restores.tally().text(), backups, prunes,
                      listed.at("generations").as_array().size()));
}
