// SPDX-License-Identifier: Apache-2.0
// Is there room left? One judgement for every probe that knows of a disk.
#pragma once

#include <cstdint>
#include <string>

#include "common/json.hpp"
#include "common/result.hpp"

namespace fbx::common {

struct Space {
  std::uint64_t free_bytes = 0;  // to ordinary users
  std::uint64_t total_bytes = 0;
};

// From the settings disk_warn_percent, disk_fail_percent and disk_min_free.
struct DiskLimits {
  double warn_percent = 0;
  double fail_percent = 0;
  std::uint64_t min_free_bytes = 0;
};
DiskLimits disk_limits(const json::object& config);

// Adds the metrics disk_free and disk_free_percent, a warning below warn_percent, an error below
// fail_percent or min_free_bytes.
void judge_space(const Space& space, const DiskLimits& limits, const std::string& where,
                 Result& result);

// Judges the file system that holds the setting `data_path`, when that is set.
void judge_data_path(const json::object& config, Result& result);

}  // namespace fbx::common
