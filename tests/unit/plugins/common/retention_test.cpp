// SPDX-License-Identifier: Apache-2.0
#include "common/retention.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using fbx::common::Candidate;
using fbx::common::judge;
using fbx::common::KeepPolicy;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using namespace std::chrono_literals;

namespace {

sys_seconds at(int year, unsigned month, unsigned day, int hour = 2) {
  return sys_days{std::chrono::year{year} / static_cast<int>(month) / static_cast<int>(day)} +
         hours{hour};
}

// One generation per time, in the order they were written; the name is the date.
std::vector<Candidate> made_at(const std::vector<sys_seconds>& times) {
  std::vector<Candidate> all;
  for (const auto time : times) {
    Candidate one;
    const std::chrono::year_month_day date{std::chrono::floor<days>(time)};
    one.name = std::to_string(unsigned(date.month())) + "-" + std::to_string(unsigned(date.day()));
    one.time = time;
    one.sequence = all.size() + 1;
    all.push_back(one);
  }
  return all;
}

std::vector<sys_seconds> daily_from(sys_seconds first, int count) {
  std::vector<sys_seconds> times;
  for (int i = 0; i < count; ++i) times.push_back(first + days{i});
  return times;
}

std::string kept(const std::vector<Candidate>& all, const KeepPolicy& policy,
                 sys_seconds now = at(2030, 1, 1)) {
  std::string text;
  for (const auto& verdict : judge(all, policy, now)) {
    CHECK_FALSE(verdict.reasons.empty());
    if (verdict.keep) text += (text.empty() ? "" : " ") + verdict.name;
  }
  return text;
}

}  // namespace

TEST_CASE("the rules keep the newest of each calendar bucket") {
  // 60 days: 2026-10-01 (a Thursday) to 2026-11-29 (a Sunday).
  const auto all = made_at(daily_from(at(2026, 10, 1), 60));
  struct Row {
    const char* what;
    KeepPolicy policy;
    const char* kept;
  };
  const std::vector<Row> rows = {
      {"last counts generations", {.last = 3}, "11-29 11-28 11-27"},
      {"daily", {.daily = 2}, "11-29 11-28"},
      {"weeks end on Sunday", {.weekly = 3}, "11-29 11-22 11-15"},
      {"months, and the oldest while counts are left", {.monthly = 3}, "11-29 10-31 10-1"},
      {"years, and the oldest", {.yearly = 2}, "11-29 10-1"},
      {"one generation satisfies several rules",
       {.daily = 2, .weekly = 2, .monthly = 2},
       "11-29 11-28 11-22 10-31"},
      {"within counts from the newest", {.within = days{2}}, "11-29 11-28"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    CHECK(kept(all, row.policy) == row.kept);
  }
  CHECK(judge(all, {.last = -1}, at(2030, 1, 1)).size() == 60);
  for (const auto& verdict : judge(all, {.last = -1}, at(2030, 1, 1))) CHECK(verdict.keep);
}

TEST_CASE("days without a generation are not counted") {
  const auto all = made_at({at(2026, 1, 1), at(2026, 1, 5), at(2026, 1, 9), at(2026, 1, 9, 5)});
  CHECK(kept(all, {.daily = 2}) == "1-9 1-5");
}

TEST_CASE("weeks around the turn of the year are ISO weeks") {
  // 2027-01-03 is a Sunday: it belongs to the week of 2026-12-28.
  const auto all = made_at({at(2026, 12, 27), at(2026, 12, 28), at(2027, 1, 3), at(2027, 1, 4)});
  CHECK(kept(all, {.weekly = 2}) == "1-4 1-3");
}

TEST_CASE("D25: a pinned generation is never pruned, and counts for no bucket twice") {
  auto all = made_at(daily_from(at(2026, 10, 1), 10));
  all[1].pin = "before the update";
  const auto verdicts = judge(all, {.last = 1}, at(2030, 1, 1));
  CHECK(kept(all, {.last = 1}) == "10-10 10-2");
  CHECK(verdicts[8].reasons == std::vector<std::string>{"pinned: before the update"});
}

TEST_CASE("the last good one stays, whatever the clock said when it was written") {
  // The clock jumped back a year before the last was written.
  auto all = made_at({at(2027, 3, 1), at(2027, 3, 2), at(2026, 3, 3)});
  CHECK(kept(all, {.last = 1}) == "3-2 3-3");
  all[2].good = false;
  CHECK(kept(all, {.last = 1}) == "3-2");
}

TEST_CASE("one from the future is not what `within` counts from, and is not removed by it") {
  const auto all = made_at({at(2026, 5, 1), at(2026, 5, 2), at(2036, 5, 3)});
  CHECK(kept(all, {.within = days{30}}, at(2026, 5, 2, 12)) == "5-3 5-2 5-1");
}

TEST_CASE("what cannot be restored counts for no rule, and goes only when a good one is there") {
  auto all = made_at({at(2026, 5, 1), at(2026, 5, 2)});
  all[1].good = false;
  CHECK(kept(all, {.daily = 1}) == "5-1");
  all[0].good = false;
  CHECK(kept(all, {.daily = 1}) == "5-2 5-1");
}

TEST_CASE("a policy without a rule is told from one with any") {
  CHECK(KeepPolicy{}.empty());
  CHECK_FALSE(KeepPolicy{.weekly = 1}.empty());
  CHECK_FALSE(KeepPolicy{.within = 1h}.empty());
}
