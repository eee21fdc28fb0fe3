// SPDX-License-Identifier: Apache-2.0
#include "engine/known.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace fusebox::scan {

namespace fs = std::filesystem;
namespace json = boost::json;

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

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

std::int64_t number_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

Finding finding_of(const json::object& object) {
  Finding finding;
  finding.rule_id = text_of(object, "RuleID");
  finding.description = text_of(object, "Description");
  finding.start_line = number_of(object, "StartLine");
  finding.end_line = number_of(object, "EndLine");
  finding.start_column = number_of(object, "StartColumn");
  finding.end_column = number_of(object, "EndColumn");
  finding.match = text_of(object, "Match");
  finding.secret = text_of(object, "Secret");
  finding.file = text_of(object, "File");
  finding.commit = text_of(object, "Commit");
  finding.author = text_of(object, "Author");
  finding.email = text_of(object, "Email");
  finding.date = text_of(object, "Date");
  finding.message = text_of(object, "Message");
  if (const json::value* entropy = object.if_contains("Entropy");
      entropy != nullptr && entropy->is_number())
    finding.entropy = static_cast<float>(entropy->to_number<double>());
  return finding;
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
  boost::system::error_code error;
  const json::value report = json::parse(text, error);
  if (error || !report.is_array())
    throw std::runtime_error(
        fmt::format("the baseline {} is no JSON report of findings", file.string()));
  for (const json::value& entry : report.get_array()) {
    if (!entry.is_object()) continue;
    Finding finding = finding_of(entry.get_object());
    baseline_.emplace(short_fingerprint(finding), std::move(finding));
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
