// SPDX-License-Identifier: Apache-2.0
// Which generations to keep: restic's published rules, as pure functions.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace fbx::common {

// How many of each to keep; 0: the rule is off, -1: no limit.
struct KeepPolicy {
  int last = 0;
  int hourly = 0;
  int daily = 0;
  int weekly = 0;  // weeks begin on Monday, by ISO 8601
  int monthly = 0;
  int yearly = 0;
  // Everything that is not older than the newest by more than this; 0: the rule is off.
  std::chrono::seconds within{0};

  // Without a rule everything would go: refuse it.
  bool empty() const;
};

// As a plugin's configuration says: keep_last, keep_daily, keep_weekly, keep_monthly, keep_yearly,
// and keep_within where it is set.
KeepPolicy keep_policy(const boost::json::object& config);

struct Candidate {
  std::string name;
  std::chrono::sys_seconds time;
  std::uint64_t sequence = 0;  // grows with each that is written, whatever the clock does
  std::string pin;             // why it must stay; empty: it may go
  bool good = true;            // false: it cannot be restored, so it counts for no rule
};

struct Verdict {
  std::string name;
  bool keep = false;
  std::vector<std::string> reasons;  // "daily", "pinned: before the update"; why it goes: one
};

// Newest first. In each calendar bucket (in UTC) the newest is kept, a period without any is not
// counted, one generation may satisfy several rules, and the oldest of all is kept while a bucket
// rule has counts left. One that is dated later than `now` is not removed by a rule of time, and
// the last good one that was written is never removed. One that cannot be restored is removed as
// soon as there is a good one beside it.
std::vector<Verdict> judge(std::vector<Candidate> candidates, const KeepPolicy& policy,
                           std::chrono::sys_seconds now);

}  // namespace fbx::common
