// SPDX-License-Identifier: Apache-2.0
#include "common/disk.hpp"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <system_error>

namespace fbx::common {

DiskLimits disk_limits(const json::object& config) {
  return {need_number(config, "disk_warn_percent"), need_number(config, "disk_fail_percent"),
          static_cast<std::uint64_t>(need_integer(config, "disk_min_free"))};
}

void judge_space(const Space& space, const DiskLimits& limits, const std::string& where,
                 Result& result) {
  if (space.total_bytes == 0) return;
  const auto free = static_cast<double>(space.free_bytes);
  const double percent = 100 * free / static_cast<double>(space.total_bytes);
  result.metric("disk_free", static_cast<std::int64_t>(space.free_bytes), "B");
  result.metric("disk_free_percent", percent, "%");
  const std::string evidence =
      fmt::format("{} of {} free ({:.1f} %)", human_size(free),
                  human_size(static_cast<double>(space.total_bytes)), percent);
  if (percent < limits.fail_percent || space.free_bytes < limits.min_free_bytes)
    result.add({Severity::error, "the disk is nearly full", evidence,
                "free space or grow the disk now: the server stops writing when it is full",
                where});
  else if (percent < limits.warn_percent)
    result.add({Severity::warning, "the disk is filling up", evidence,
                "free space or grow the disk before it is full", where});
}

void judge_data_path(const json::object& config, Result& result) {
  const auto path = text_at(config, "data_path");
  if (!path) return;
  struct statvfs info {};
  if (::statvfs(path->c_str(), &info) != 0) {
    result.add({Severity::warning, "cannot see the free space of the data folder",
                std::generic_category().message(errno),
                "set data_path to a folder on this machine, or leave it out", *path});
    return;
  }
  const std::uint64_t unit = info.f_frsize;
  judge_space({unit * info.f_bavail, unit * info.f_blocks}, disk_limits(config), *path, result);
}

}  // namespace fbx::common
