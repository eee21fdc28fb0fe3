// SPDX-License-Identifier: Apache-2.0
#include "common/result.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>

namespace fbx::common {

namespace json = boost::json;

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::info:
      return "info";
    case Severity::warning:
      return "warning";
    case Severity::error:
      break;
  }
  return "error";
}

std::string_view name_of(Status status) {
  switch (status) {
    case Status::healthy:
      return "healthy";
    case Status::degraded:
      return "degraded";
    case Status::unhealthy:
      break;
  }
  return "unhealthy";
}

Result& Result::summary(std::string text) {
  object_["summary"] = one_line(text);
  return *this;
}

Result& Result::add(Finding finding) {
  for (std::string* text : {&finding.what, &finding.evidence, &finding.remedy, &finding.where})
    *text = one_line(*text);
  findings_.push_back(std::move(finding));
  return *this;
}

Result& Result::metric(std::string_view name, double value, std::string_view unit) {
  metrics_[name] = {{"value", std::round(value * 1000) / 1000}, {"unit", unit}};
  return *this;
}

Result& Result::metric(std::string_view name, std::int64_t value, std::string_view unit) {
  metrics_[name] = {{"value", value}, {"unit", unit}};
  return *this;
}

Result& Result::artifact(std::string_view kind, std::string_view path) {
  artifacts_.push_back({{"kind", kind}, {"path", path}});
  return *this;
}

Result& Result::action(std::string text) {
  actions_.emplace_back(one_line(text));
  return *this;
}

Result& Result::changed(bool is) {
  object_["changed"] = is;
  return *this;
}

Result& Result::release(std::string_view key, json::value value) {
  release_[key] = std::move(value);
  return *this;
}

Result& Result::merge(const Result& other) {
  findings_.insert(findings_.end(), other.findings_.begin(), other.findings_.end());
  for (const auto& [name, value] : other.metrics_) metrics_[name] = value;
  for (const auto& [key, value] : other.release_) release_[key] = value;
  return *this;
}

Result& Result::judge() {
  judged_ = true;
  return *this;
}

Status Result::status() const {
  Status worst = Status::healthy;
  for (const Finding& finding : findings_) {
    if (finding.severity == Severity::error) return Status::unhealthy;
    if (finding.severity == Severity::warning) worst = Status::degraded;
  }
  return worst;
}

std::string Result::json() const {
  json::object out = object_;
  if (judged_) out["status"] = name_of(status());
  json::array findings;
  for (const Finding& finding : findings_) {
    json::object entry{{"severity", name_of(finding.severity)}, {"what", finding.what}};
    if (!finding.evidence.empty()) entry["evidence"] = finding.evidence;
    if (!finding.remedy.empty()) entry["remedy"] = finding.remedy;
    if (!finding.where.empty()) entry["where"] = finding.where;
    findings.push_back(std::move(entry));
  }
  if (!findings.empty()) out["findings"] = std::move(findings);
  if (!metrics_.empty()) out["metrics"] = metrics_;
  if (!artifacts_.empty()) out["artifacts"] = artifacts_;
  if (!release_.empty()) out["release"] = release_;
  if (!actions_.empty()) out["actions"] = actions_;
  return json::serialize(out);
}

std::string one_line(std::string_view text, std::size_t limit) {
  std::string out;
  for (const char c : text) {
    const bool blank = static_cast<unsigned char>(c) <= ' ' || c == '\x7f';
    if (!blank)
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  if (out.size() <= limit) return out;
  std::size_t cut = limit - 3;
  while (cut > 0 && (static_cast<unsigned char>(out[cut]) & 0xC0U) == 0x80U) --cut;
  return out.substr(0, cut) + "...";
}

std::string human_size(double bytes) {
  constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < units.size()) {
    bytes /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.1f} {}", bytes, units[unit]);
}

std::string human_ms(double milliseconds) {
  if (milliseconds < 1) return fmt::format("{:.2f} ms", milliseconds);
  if (milliseconds < 10) return fmt::format("{:.1f} ms", milliseconds);
  if (milliseconds < 1000) return fmt::format("{:.0f} ms", milliseconds);
  return fmt::format("{:.1f} s", milliseconds / 1000);
}

}  // namespace fbx::common
