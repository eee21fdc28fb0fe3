// SPDX-License-Identifier: Apache-2.0
// Times and durations as requests and answers hold them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace fbx::common {

using SystemTime = std::chrono::system_clock::time_point;

// "2026-11-23T10:00:00.123Z", always 24 characters.
std::string format_time(SystemTime time);
// RFC 3339 in UTC, with or without a fraction.
std::optional<SystemTime> parse_time(std::string_view text);
// "90s", "10m", "1h30m", "250ms", "2d".
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace fbx::common
