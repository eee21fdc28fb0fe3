// SPDX-License-Identifier: Apache-2.0
#include "prune.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/json/serialize.hpp>
#include <chrono>

#include "common/beside.hpp"
#include "common/result.hpp"
#include "common/retention.hpp"
#include "common/time_text.hpp"

namespace fbx::backup {

namespace {

namespace json = boost::json;

common::KeepPolicy policy_of(const json::object& config) {
  const auto policy = common::keep_policy(config);
  if (policy.empty())
    throw Error(FBX_CONFIG, "no rule says what to keep, so every generation would go",
                "set keep_daily, keep_weekly or another rule");
  return policy;
}

// 1970 for what is none, so that only its pin can keep it.
std::chrono::sys_seconds time_of(const std::string& text) {
  const auto time = common::parse_time(text);
  return time ? std::chrono::floor<std::chrono::seconds>(*time) : std::chrono::sys_seconds{};
}

std::vector<common::Verdict> judge_all(const Op& op, const common::Context& context) {
  const auto policy = policy_of(context.config);
  const auto answer = common::parse_object(op.store().list(), "the store's list");
  std::vector<common::Candidate> candidates;
  if (const auto* list = common::array_at(answer, "generations"))
    for (const json::value& item : *list) {
      const json::object& one = item.as_object();
      common::Candidate candidate;
      candidate.name = common::need_text(one, "generation");
      candidate.time = time_of(common::text_at(one, "time").value_or(""));
      candidate.pin = common::text_at(one, "pin").value_or("");
      candidate.good = !common::text_at(one, "problem");
      if (const auto* manifest = common::object_at(one, "manifest"))
        candidate.sequence =
            static_cast<std::uint64_t>(common::integer_at(*manifest, "sequence").value_or(0));
      candidates.push_back(std::move(candidate));
    }
  return common::judge(std::move(candidates), policy,
                       std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
}

}  // namespace

std::string plan_prune(const Op& op, const common::Context& context) {
  common::Result result;
  std::size_t going = 0;
  const auto verdicts = judge_all(op, context);
  for (const auto& verdict : verdicts) {
    going += verdict.keep ? 0 : 1;
    result.action(fmt::format("{} {} ({})", verdict.keep ? "keep  " : "remove", verdict.name,
                              fmt::join(verdict.reasons, ", ")));
  }
  result.summary(fmt::format("would remove {} of {} generations", going, verdicts.size()));
  return result.json();
}

std::string prune(const Op& op, const common::Context& context) {
  common::Result result;
  const auto verdicts = judge_all(op, context);
  std::int64_t removed = 0;
  for (const auto& verdict : verdicts) {
    if (verdict.keep) continue;
    op.check("removing old generations");
    try {
      op.store().remove(json::serialize(json::object{{"generation", verdict.name}}));
    } catch (const Reported& reported) {
      throw common::error_of(reported);
    }
    op.log(Level::info,
           fmt::format("removed {} ({})", verdict.name, fmt::join(verdict.reasons, ", ")));
    ++removed;
  }
  result.summary(fmt::format("removed {} of {} generations", removed, verdicts.size()));
  result.metric("removed", removed, "");
  result.metric("kept", static_cast<std::int64_t>(verdicts.size()) - removed, "");
  result.changed(removed != 0);
  return result.json();
}

}  // namespace fbx::backup
