// SPDX-License-Identifier: Apache-2.0
#include "check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "common/result.hpp"
#include "common/store/generations.hpp"
#include "last_copy.hpp"

namespace fbx::external {

namespace {

using common::Severity;

void judge_age(const SyncContext& context, const std::optional<LastCopy>& last,
               common::Result& result) {
  const std::string where = context.drive.path().string();
  const std::string remedy = "plug the drive in, then `fusebox backup sync`";
  if (!last) {
    result.add({Severity::warning, "there is no second copy yet",
                "no sync to the external drive has ended well", remedy, where});
    return;
  }
  const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now() - last->time);
  result.metric("copy_age", std::chrono::duration<double>(age).count(), "s");
  if (age > common::need_duration(context.context.config, "max_age"))
    result.add(
        {Severity::warning, "the second copy is overdue", last_copy_text(last), remedy, where});
}

// What the drive itself says. "the drive is there", "the drive is away".
std::string judge_drive(const SyncContext& context, const std::optional<LastCopy>& last,
                        common::Result& result) {
  const std::string where = context.drive.path().string();
  try {
    const Held drive = context.drive.open();
    const auto list =
        store::Generations(drive.folder.subfolder_if_there(context.context.stack)).list();
    for (const auto& one : list)
      if (!one.problem.empty())
        result.add({Severity::warning, fmt::format("{} is damaged on the drive", one.name),
                    one.problem, "`fusebox backup sync` copies it again, while the store has it",
                    where});
    const bool has_last = std::any_of(list.begin(), list.end(), [&](const auto& one) {
      return last && one.name == last->generation;
    });
    if (last && last->drive == drive.marker.id && !has_last)
      result.add({Severity::error, "the drive no longer has what was copied to it",
                  fmt::format("{} is gone from it", last->generation),
                  "find out who removed it; `fusebox backup sync` copies what the store has",
                  where});
    if (drive.volume.read_only)
      result.add({Severity::warning, "the drive is mounted read-only", described(drive.volume),
                  "mount it writable, or nothing can be copied to it", where});
    result.metric("generations", static_cast<std::int64_t>(list.size()), "");
    result.metric("free", static_cast<std::int64_t>(drive.folder.free_bytes()), "B");
    return fmt::format("the drive is there, with {} generation{}", list.size(),
                       list.size() == 1 ? "" : "s");
  } catch (const Error& error) {
    if (error.rc() != FBX_SKIPPED)
      result.add({Severity::warning, error.what(), "it is refused", error.hint(), where});
    return "the drive is away";
  }
}

}  // namespace

std::string check(const SyncContext& context) {
  common::Result result;
  const auto last = read_last_copy(context.context.state_dir);
  const std::string there = judge_drive(context, last, result);
  judge_age(context, last, result);
  result.judge();
  if (result.findings().empty()) result.summary(fmt::format("{}; {}", last_copy_text(last), there));
  return result.json();
}

}  // namespace fbx::external
