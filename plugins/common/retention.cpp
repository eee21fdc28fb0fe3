// SPDX-License-Identifier: Apache-2.0
#include "common/retention.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "common/json.hpp"

namespace fbx::common {

namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::year_month_day;

std::int64_t day_of(sys_seconds time) {
  return std::chrono::floor<days>(time).time_since_epoch().count();
}

// Weeks since a Monday. As good as a year and a week: equal in the same week, and only then.
std::int64_t week_of(sys_seconds time) {
  constexpr std::int64_t monday = 4;  // 1970-01-05
  const std::int64_t day = day_of(time) - monday;
  return day >= 0 ? day / 7 : (day - 6) / 7;
}

year_month_day date_of(sys_seconds time) { return year_month_day(std::chrono::floor<days>(time)); }

struct Rule {
  const char* name;
  int left;
  std::int64_t (*bucket)(sys_seconds time, std::int64_t index);
  std::optional<std::int64_t> previous = std::nullopt;
};

std::array<Rule, 6> rules_of(const KeepPolicy& policy) {
  return {{
      {"last", policy.last, [](sys_seconds, std::int64_t index) { return index; }},
      {"hourly", policy.hourly,
       [](sys_seconds time, std::int64_t) {
         return static_cast<std::int64_t>(
             std::chrono::floor<std::chrono::hours>(time).time_since_epoch().count());
       }},
      {"daily", policy.daily, [](sys_seconds time, std::int64_t) { return day_of(time); }},
      {"weekly", policy.weekly, [](sys_seconds time, std::int64_t) { return week_of(time); }},
      {"monthly", policy.monthly,
       [](sys_seconds time, std::int64_t) {
         const auto date = date_of(time);
         return static_cast<std::int64_t>(int(date.year())) * 12 + unsigned(date.month());
       }},
      {"yearly", policy.yearly,
       [](sys_seconds time, std::int64_t) {
         return static_cast<std::int64_t>(int(date_of(time).year()));
       }},
  }};
}

}  // namespace

bool KeepPolicy::empty() const {
  return last == 0 && hourly == 0 && daily == 0 && weekly == 0 && monthly == 0 && yearly == 0 &&
         within.count() == 0;
}

KeepPolicy keep_policy(const boost::json::object& config) {
  const auto count = [&](std::string_view key) {
    return static_cast<int>(need_integer(config, key));
  };
  KeepPolicy policy;
  policy.last = count("keep_last");
  policy.daily = count("keep_daily");
  policy.weekly = count("keep_weekly");
  policy.monthly = count("keep_monthly");
  policy.yearly = count("keep_yearly");
  if (const auto within = duration_at(config, "keep_within"))
    policy.within = std::chrono::duration_cast<std::chrono::seconds>(*within);
  return policy;
}

std::vector<Verdict> judge(std::vector<Candidate> candidates, const KeepPolicy& policy,
                           sys_seconds now) {
  std::stable_sort(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) {
    return a.time != b.time ? a.time > b.time : a.sequence > b.sequence;
  });
  const Candidate* oldest = nullptr;     // of the good ones
  const Candidate* reference = nullptr;  // the newest that is not dated in the future
  const Candidate* last_good = nullptr;
  for (const Candidate& one : candidates) {
    if (!one.good) continue;
    oldest = &one;
    if (reference == nullptr && one.time <= now) reference = &one;
    if (last_good == nullptr || one.sequence > last_good->sequence) last_good = &one;
  }

  auto rules = rules_of(policy);
  std::int64_t index = 0;
  std::vector<Verdict> verdicts;
  for (const Candidate& one : candidates) {
    Verdict verdict{one.name, false, {}};
    const auto keep = [&](std::string reason) {
      verdict.keep = true;
      verdict.reasons.push_back(std::move(reason));
    };
    if (!one.pin.empty()) keep(fmt::format("pinned: {}", one.pin));
    if (!one.good) {
      if (last_good == nullptr) keep("there is no good one beside it");
      if (!verdict.keep) verdict.reasons.emplace_back("it cannot be restored");
      verdicts.push_back(std::move(verdict));
      continue;
    }
    if (&one == last_good) keep("the last good one");
    for (Rule& rule : rules) {
      if (rule.left == 0) continue;
      const std::int64_t bucket = rule.bucket(one.time, index);
      if (rule.previous == bucket && &one != oldest) continue;
      const bool is_remainder = rule.previous == bucket;
      keep(is_remainder ? fmt::format("oldest, for {}", rule.name) : rule.name);
      rule.previous = bucket;
      if (rule.left > 0) --rule.left;
    }
    if (policy.within.count() > 0) {
      if (one.time > now)
        keep("dated in the future");
      else if (reference != nullptr && one.time > reference->time - policy.within)
        keep("within");
    }
    if (!verdict.keep) verdict.reasons.emplace_back("no rule keeps it");
    ++index;
    verdicts.push_back(std::move(verdict));
  }
  return verdicts;
}

}  // namespace fbx::common
