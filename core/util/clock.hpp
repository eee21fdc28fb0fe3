// SPDX-License-Identifier: Apache-2.0
// Times, durations and sizes as people and files write them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fusebox::util {

// "2026-05-09T07:30:31.186Z": UTC, milliseconds.
std::string rfc3339(std::chrono::system_clock::time_point time);

// Any RFC 3339 time, with fraction and offset; nothing when it is none, or is out of the clock's
// range.
std::optional<std::chrono::system_clock::time_point> parse_rfc3339(std::string_view text);

// "850ms", "12.3s", "2m05s", "3h07m", "2d04h".
std::string human_duration(std::chrono::milliseconds duration);

// "512 B", "1.2 GiB".
std::string human_size(std::uint64_t bytes);

}  // namespace fusebox::util
