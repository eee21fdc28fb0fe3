// SPDX-License-Identifier: Apache-2.0
#include "engine/known.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "engine/report_reader.hpp"

namespace fusebox::scan {

namespace fs = std::filesystem;

namespace {

std::string trimmed(std::string_view text) {
  constexpr std::string_view spaces = " \t\r\n\v\f";
  const std::size_t begin = text.find_first_not_of(spaces);
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(spaces) + 1 - begin));
}

// With the path's separators as they are on this system. Nothing: not of a fingerprint's form.
bool normalize(std::string& line) {
  const auto colons = std::count(line.begin(), line.end(), ':');
  if (colons != 2 && colons != 3) return false;
  const std::size_t begin = colons == 2 ? 0 : line.find(':') + 1;
  const std::size_t end = line.find(':', begin);
  std::replace(line.begin() + static_cast<std::ptrdiff_t>(begin),
               line.begin() + static_cast<std::ptrdiff_t>(end), '\\', '/');
  return true;
}

std::string short_fingerprint(const Finding& finding) {
  return fmt::format("{}:{}:{}", finding.file, finding.rule_id, finding.start_line);
}

bool is_same(const Finding& a, const Finding& b, bool is_redacted) {
  return a.description == b.description && a.end_line == b.end_line &&
         a.start_column == b.start_column && a.end_column == b.end_column &&
         (is_redacted || (a.match == b.match && a.secret == b.secret)) && a.commit == b.commit &&
         a.author == b.author && a.email == b.email && a.date == b.date && a.message == b.message &&
         a.entropy == b.entropy;
}

}  // namespace

void Known::add_ignored(const fs::path& file, std::vector<std::string>& warnings) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    line = trimmed(line);
    if (line.empty() || line.starts_with('#')) continue;
    if (!normalize(line))
      warnings.push_back(fmt::format("{}: \"{}\" is no fingerprint", file.string(), line));
    ignored_.insert(line);
  }
}

void Known::add_baseline(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error(fmt::format("the baseline {} cannot be read", file.string()));
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  try {
    for (Finding& finding : read_json_report(text)) {
      std::string key = short_fingerprint(finding);
      baseline_.emplace(std::move(key), std::move(finding));
    }
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(fmt::format("the baseline {}: {}", file.string(), error.what()));
  }
}

bool Known::judge(Finding& finding, bool is_redacted) const {
  const std::string global = short_fingerprint(finding);
  finding.fingerprint = finding.commit.empty() ? global : finding.commit + ":" + global;
  if (ignored_.contains(global) || ignored_.contains(finding.fingerprint)) return true;
  const auto [begin, end] = baseline_.equal_range(global);
  return std::any_of(
      begin, end, [&](const auto& known) { return is_same(finding, known.second, is_redacted); });
}

}  // namespace fusebox::scan
