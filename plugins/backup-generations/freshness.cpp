// SPDX-License-Identifier: Apache-2.0
#include "freshness.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <chrono>
#include <optional>

#include "common/result.hpp"
#include "common/time_text.hpp"
#include "receipts.hpp"

namespace fbx::backup {

namespace {

namespace json = boost::json;
using common::Result;
using common::Severity;
using std::chrono::milliseconds;

using Time = common::SystemTime;

milliseconds age_of(Time time) {
  return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now() - time);
}

std::string age_text(std::optional<Time> time) {
  if (!time) return "never";
  const milliseconds age = age_of(*time);
  if (age < milliseconds{0}) return "in the future";
  if (age > std::chrono::hours{48})
    return fmt::format("{} days ago", std::chrono::duration_cast<std::chrono::days>(age).count());
  if (age > std::chrono::hours{2})
    return fmt::format("{} hours ago", std::chrono::duration_cast<std::chrono::hours>(age).count());
  return fmt::format("{} minutes ago",
                     std::chrono::duration_cast<std::chrono::minutes>(age).count());
}

struct Generations {
  std::optional<Time> oldest;
  std::optional<Time> newest;
  std::size_t damaged = 0;
};

Generations look(const Op& op) {
  Generations found;
  const auto answer = common::parse_object(op.store().list(), "the store's list");
  if (const auto* list = common::array_at(answer, "generations"))
    for (const json::value& item : *list) {
      const json::object& one = item.as_object();
      const auto time = common::parse_time(common::text_at(one, "time").value_or(""));
      if (common::text_at(one, "problem")) {
        ++found.damaged;
      } else if (time) {
        if (!found.newest) found.newest = time;  // newest first
        found.oldest = time;
      }
    }
  return found;
}

void judge_backup(const json::object& config, const Generations& found, Result& result) {
  if (found.damaged != 0)
    result.add({Severity::warning, "generations are damaged",
                fmt::format("{} of them cannot be used", found.damaged),
                "`fusebox backup list` names them; `fusebox backup prune` removes them", ""});
  if (!found.newest) {
    result.add({Severity::warning, "there is no backup", "the store has no whole generation",
                "make one: `fusebox backup create`", ""});
    return;
  }
  const auto due = common::duration_at(config, "backup_due");
  if (due && age_of(*found.newest) > *due)
    result.add({Severity::warning, "the last backup is too old",
                fmt::format("it was made {}", age_text(found.newest)),
                "make one: `fusebox backup create`; see that the schedule runs: `fusebox backup "
                "schedule show`",
                ""});
}

void judge_drill(const json::object& config, const Generations& found, std::optional<Time> drilled,
                 Result& result) {
  const auto due = common::duration_at(config, "drill_due");
  const auto since = drilled ? drilled : found.oldest;
  if (!due || !since || age_of(*since) <= *due) return;
  result.add({Severity::warning, "no restore was proven for too long",
              drilled ? fmt::format("the last drill was {}", age_text(drilled))
                      : fmt::format("the first backup was made {}, and none was ever drilled",
                                    age_text(found.oldest)),
              "prove one: `fusebox backup drill`", ""});
}

}  // namespace

std::string check_freshness(const Op& op, const common::Context& context) {
  Result result;
  const Generations found = look(op);
  const auto receipt = last_receipt(context);
  const auto drilled = common::parse_time(common::text_at(receipt, "time").value_or(""));
  judge_backup(context.config, found, result);
  judge_drill(context.config, found, drilled, result);
  const auto seconds = [&](const char* name, std::optional<Time> time) {
    if (time)
      result.metric(name, std::chrono::duration_cast<std::chrono::seconds>(age_of(*time)).count(),
                    "s");
  };
  seconds("backup_age", found.newest);
  seconds("drill_age", drilled);
  result.summary(
      fmt::format("last backup {}, last drill {}", age_text(found.newest), age_text(drilled)));
  result.judge();
  return result.json();
}

}  // namespace fbx::backup
