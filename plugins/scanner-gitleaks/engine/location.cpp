// SPDX-License-Identifier: Apache-2.0
#include "engine/location.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>

#include "engine/utf8_text.hpp"

namespace fusebox::scan {

namespace {

std::int64_t distance(std::size_t from, std::size_t to) {
  return static_cast<std::int64_t>(to) - static_cast<std::int64_t>(from);
}

std::size_t line_before(const std::vector<std::size_t>& feeds, std::size_t number) {
  return number == 0 ? 0 : feeds[number - 1];
}

void place_start(Location& location, const std::vector<std::size_t>& feeds, std::size_t number,
                 Span match) {
  const std::size_t previous = line_before(feeds, number);
  location.start_line = location.end_line = static_cast<std::int64_t>(number);
  location.start_column = distance(previous, match.begin) + 1;
  location.line = {previous, feeds[number]};
}

void place_end(Location& location, const std::vector<std::size_t>& feeds, std::size_t number,
               Span match) {
  location.end_line = static_cast<std::int64_t>(number);
  location.end_column = distance(line_before(feeds, number), match.end);
  location.line.end = feeds[number];
}

// Behind the last line feed. The line begins with the fragment: gitleaks leaves it at 0.
Location behind_last(const std::vector<std::size_t>& feeds, std::string_view raw, Span match) {
  Location location;
  location.start_line = location.end_line = static_cast<std::int64_t>(feeds.size());
  location.start_column = distance(feeds.back(), match.begin) + 1;
  location.end_column = distance(feeds.back(), match.end);
  location.line = {0, std::min(raw.find_first_of("\n\r", match.end), raw.size())};
  return location;
}

}  // namespace

std::vector<std::size_t> line_feeds(std::string_view text) {
  std::vector<std::size_t> feeds;
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1))
    feeds.push_back(at);
  return feeds;
}

Location locate(const std::vector<std::size_t>& real_feeds, std::string_view raw, Span match) {
  const std::vector<std::size_t> at_end = {raw.size()};
  const auto& feeds = real_feeds.empty() ? at_end : real_feeds;
  const auto number_of = [&](auto found) {
    return static_cast<std::size_t>(found - feeds.begin());
  };
  const std::size_t starts = number_of(std::upper_bound(feeds.begin(), feeds.end(), match.begin));
  if (starts == feeds.size()) return behind_last(feeds, raw, match);
  const std::size_t ends = number_of(std::lower_bound(feeds.begin(), feeds.end(), match.end));
  const bool has_end = match.end > 0 && ends < feeds.size();
  Location location;
  // An empty match upon a line feed ends before it starts; the later line has the last word.
  if (has_end && ends < starts) place_end(location, feeds, ends, match);
  place_start(location, feeds, starts, match);
  if (has_end && ends >= starts) place_end(location, feeds, ends, match);
  location.line.end = std::max(location.line.end, match.end);
  return location;
}

double shannon_entropy(std::string_view text) {
  std::array<unsigned, 128> ascii{};
  std::map<char32_t, unsigned> others;
  const double share = 1.0 / static_cast<double>(text.size());
  for (std::string_view rest = text; !rest.empty();) {
    const Rune rune = first_rune(rest);
    ++(rune.value < ascii.size() ? ascii[rune.value] : others[rune.value]);
    rest.remove_prefix(rune.size);
  }
  double entropy = 0;
  const auto add = [&](unsigned count) {
    if (count == 0) return;
    const double frequency = count * share;
    entropy -= frequency * std::log2(frequency);
  };
  for (const unsigned count : ascii) add(count);
  for (const auto& [rune, count] : others) add(count);
  return entropy;
}

}  // namespace fusebox::scan
