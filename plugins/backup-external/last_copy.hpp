// SPDX-License-Identifier: Apache-2.0
// When the last good copy was made, kept on this machine: also known while the drive is away.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "common/time_text.hpp"

namespace fbx::external {

struct LastCopy {
  common::SystemTime time;  // when everything that should be on the drive was there, and whole
  std::string generation;   // the newest by then
  std::string drive;        // the marker's id
};

// Nothing when there was none, or nobody can tell.
std::optional<LastCopy> read_last_copy(const std::filesystem::path& state_dir);
void write_last_copy(const std::filesystem::path& state_dir, const LastCopy& copy);

// "3 days ago".
std::string age_text(common::SystemTime time);
// "the last good copy is of 3 days ago (20261124T020000Z-7f3a)", "there has never been a copy".
std::string last_copy_text(const std::optional<LastCopy>& copy);

}  // namespace fbx::external
