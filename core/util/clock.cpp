// SPDX-License-Identifier: Apache-2.0
#include "util/clock.hpp"

#include <fmt/format.h>

#include <array>

namespace fusebox::util {

namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;

// Takes `digits` digits off the front of `text`.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take_char(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// ".186" as nanoseconds; zero when there is no fraction, nothing when it is malformed.
std::optional<std::chrono::nanoseconds> take_fraction(std::string_view& text) {
  if (!take_char(text, ".")) return std::chrono::nanoseconds(0);
  std::int64_t value = 0;
  std::int64_t scale = 1'000'000'000;
  std::size_t used = 0;
  while (used < text.size() && text[used] >= '0' && text[used] <= '9') {
    scale /= 10;
    value += scale * (text[used] - '0');
    ++used;
  }
  if (used == 0) return std::nullopt;
  text.remove_prefix(used);
  return std::chrono::nanoseconds(value);
}

std::optional<std::chrono::minutes> take_offset(std::string_view& text) {
  if (take_char(text, "Zz")) return std::chrono::minutes(0);
  const bool west = text.starts_with('-');
  if (!take_char(text, "+-")) return std::nullopt;
  const auto hours = take_number(text, 2);
  if (!hours || !take_char(text, ":")) return std::nullopt;
  const auto minutes = take_number(text, 2);
  if (!minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const std::chrono::minutes offset(*hours * 60 + *minutes);
  return west ? -offset : offset;
}

}  // namespace

std::string rfc3339(system_clock::time_point time) {
  const auto ms = std::chrono::floor<milliseconds>(time);
  const auto day = std::chrono::floor<std::chrono::days>(ms);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(ms - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

std::optional<system_clock::time_point> parse_rfc3339(std::string_view text) {
  const auto year = take_number(text, 4);
  if (!year || !take_char(text, "-")) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take_char(text, "-")) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day || !take_char(text, "Tt ")) return std::nullopt;
  const auto hour = take_number(text, 2);
  if (!hour || !take_char(text, ":")) return std::nullopt;
  const auto minute = take_number(text, 2);
  if (!minute || !take_char(text, ":")) return std::nullopt;
  const auto second = take_number(text, 2);
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const auto fraction = take_fraction(text);
  if (!fraction) return std::nullopt;
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return std::nullopt;

  const std::chrono::year_month_day date(std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  // The clock's own range ends within centuries of 1970; the room holds time of day and offset.
  const std::chrono::sys_days midnight(date);
  constexpr std::chrono::days room(2);
  if (midnight < std::chrono::ceil<std::chrono::days>(system_clock::time_point::min()) + room ||
      midnight > std::chrono::floor<std::chrono::days>(system_clock::time_point::max()) - room)
    return std::nullopt;
  const auto since_midnight = std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
                              std::chrono::seconds(*second) + *fraction - *offset;
  return midnight + std::chrono::duration_cast<system_clock::duration>(since_midnight);
}

std::string human_duration(milliseconds duration) {
  const std::int64_t ms = duration.count();
  if (ms < 0) return "-" + human_duration(-duration);
  if (ms < 1000) return fmt::format("{}ms", ms);
  if (ms < 60'000) return fmt::format("{}.{}s", ms / 1000, ms % 1000 / 100);
  const std::int64_t seconds = ms / 1000;
  if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  const std::int64_t minutes = seconds / 60;
  constexpr std::int64_t day = 1440;
  if (minutes < day) return fmt::format("{}h{:02}m", minutes / 60, minutes % 60);
  return fmt::format("{}d{:02}h", minutes / day, minutes / 60 % 24);
}

std::string human_size(std::uint64_t bytes) {
  static constexpr std::array units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  // 1023.95 would print as "1024.0".
  while (value >= 1023.95 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, units[unit]);
}

}  // namespace fusebox::util
