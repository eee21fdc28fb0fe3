// SPDX-License-Identifier: Apache-2.0
#include "common/time_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <ctime>
#include <iterator>
#include <utility>

namespace fbx::common {

std::string format_time(SystemTime time) {
  using std::chrono::milliseconds;
  const auto since = std::chrono::duration_cast<milliseconds>(time.time_since_epoch());
  const std::time_t seconds = since.count() / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     since.count() % 1000);
}

std::optional<SystemTime> parse_time(std::string_view text) {
  std::tm parts{};
  const std::string copy(text);
  const char* rest = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  constexpr int last_year = 2261 - 1900;  // the clock counts nanoseconds, and ends the year after
  if (rest == nullptr || parts.tm_year < 0 || parts.tm_year > last_year) return std::nullopt;
  SystemTime time = std::chrono::system_clock::from_time_t(::timegm(&parts));
  if (*rest == '.') {
    std::int64_t scale = 100;
    for (++rest; std::isdigit(static_cast<unsigned char>(*rest)) != 0; ++rest, scale /= 10)
      time += std::chrono::milliseconds((*rest - '0') * scale);
  }
  if (std::string_view(rest) != "Z" && std::string_view(rest) != "+00:00") return std::nullopt;
  return time;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  static constexpr std::pair<std::string_view, std::int64_t> units[] = {
      {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  while (!text.empty()) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || number < 0) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const auto letters = text.substr(0, text.find_first_of("0123456789"));
    const auto* unit = std::find_if(std::begin(units), std::end(units),
                                    [&](const auto& u) { return u.first == letters; });
    constexpr std::int64_t longest = std::int64_t{36'500} * 86'400'000;  // a century, in ms
    if (unit == std::end(units) || number > longest / unit->second) return std::nullopt;
    total += number * unit->second;
    if (total > longest) return std::nullopt;
    text.remove_prefix(letters.size());
  }
  return std::chrono::milliseconds(total);
}

}  // namespace fbx::common
