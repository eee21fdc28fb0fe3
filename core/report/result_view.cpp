// SPDX-License-Identifier: Apache-2.0
#include "report/result_view.hpp"

#include "report/fields.hpp"
#include "util/clock.hpp"
#include "util/text.hpp"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

namespace fusebox::report {

namespace json = boost::json;

namespace {

constexpr std::size_t indent = 4;

void append(std::vector<Line>& lines, std::vector<Line> more) {
  std::move(more.begin(), more.end(), std::back_inserter(lines));
}

Line lead(std::size_t spaces, Tone tone, std::string_view sign) {
  return {{Tone::plain, std::string(spaces, ' ')}, {tone, std::string(sign)}, {Tone::plain, " "}};
}

struct Severity {
  Judgement judgement;
  Tone tone;
  std::string_view sign;
};

Severity severity_of(const json::object& finding, const Glyphs& glyphs) {
  const std::string name = text_of(finding, "severity");
  if (name == "error") return {Judgement::bad, Tone::bad, glyphs.bad};
  if (name == "warning") return {Judgement::warn, Tone::warn, glyphs.warn};
  return {Judgement::good, Tone::accent, glyphs.bullet};
}

bool is_shown(Judgement severity, Detail detail) {
  switch (detail) {
    case Detail::quiet:
      return severity == Judgement::bad;
    case Detail::normal:
      return severity != Judgement::good;
    case Detail::verbose:
      return true;
  }
  return true;
}

void append_finding(std::vector<Line>& lines, const json::object& finding,
                    const ViewOptions& options) {
  const Glyphs& glyphs = options.style.glyphs();
  const Severity severity = severity_of(finding, glyphs);
  if (!is_shown(severity.judgement, options.detail)) return;
  std::string what = text_of(finding, "what");
  if (const std::string where = text_of(finding, "where"); !where.empty())
    what += fmt::format(" ({})", where);
  append(lines,
         wrapped(lead(indent, severity.tone, severity.sign), Tone::plain, what, options.width));
  if (const std::string evidence = text_of(finding, "evidence"); !evidence.empty())
    append(lines, wrapped({{Tone::plain, std::string(indent + 2, ' ')}}, Tone::faint, evidence,
                          options.width));
  if (const std::string remedy = text_of(finding, "remedy"); !remedy.empty())
    append(lines, wrapped(lead(indent + 2, Tone::accent, glyphs.arrow), Tone::plain, remedy,
                          options.width));
}

// What has a place of its own: above, and the release among the releases on record.
bool is_shared_field(std::string_view key) {
  static constexpr std::array shared = {"summary", "status",    "findings", "metrics",
                                        "actions", "artifacts", "changed",  "release"};
  return std::find(shared.begin(), shared.end(), key) != shared.end();
}

}  // namespace

Judgement judge(const json::object& result) {
  const std::string status = text_of(result, "status");
  Judgement worst = status == "unhealthy"  ? Judgement::bad
                    : status == "degraded" ? Judgement::warn
                                           : Judgement::good;
  for (const json::value& item : array_of(result, "findings")) {
    if (!item.is_object()) continue;
    Judgement severity = severity_of(item.get_object(), Glyphs{}).judgement;
    // Where the step judged, that stands: a finding alone does not make healthy unhealthy.
    if (!status.empty()) severity = std::min(severity, Judgement::warn);
    worst = std::max(worst, severity);
  }
  return worst;
}

std::string headline(const json::object& result) {
  const std::string status = text_of(result, "status");
  const std::string summary = text_of(result, "summary");
  const bool told = summary.starts_with(status);  // "healthy: healthy, 3 ms" says it twice
  std::string text = status.empty() || told ? summary
                     : summary.empty()      ? status
                                            : fmt::format("{}: {}", status, summary);
  const json::value* changed = result.if_contains("changed");
  if (status.empty() && changed != nullptr && changed->is_bool() && !changed->get_bool())
    text += text.empty() ? "no change" : " (no change)";
  return text;
}

std::string quantity(double value, std::string_view unit) {
  if (unit == "bytes" || unit == "B")
    return util::human_size(static_cast<std::uint64_t>(std::clamp(value, 0.0, 1.8e19)));
  if (unit == "ms" && value >= 1000 && value < 1e15)
    return util::human_duration(std::chrono::milliseconds(std::llround(value)));
  // Three digits after the point tell enough, and 3.000 is 3.
  const double rounded = std::round(value * 1000) / 1000;
  if (unit == "ms" || unit == "s" || unit == "%" || unit.empty())
    return fmt::format("{}{}", rounded, unit);
  return fmt::format("{} {}", rounded, unit);
}

bool is_remedy_of_finding(const json::object& result, std::string_view text) {
  const json::array& findings = array_of(result, "findings");
  return std::any_of(findings.begin(), findings.end(), [&](const json::value& finding) {
    return finding.is_object() && text_of(finding.get_object(), "remedy") == text;
  });
}

std::string metrics_text(const json::object& result) {
  std::vector<std::string> parts;
  for (const auto& [name, metric] : object_of(result, "metrics")) {
    const json::value* value =
        metric.is_object() ? metric.get_object().if_contains("value") : &metric;
    if (value == nullptr || !value->is_number()) continue;
    const std::string unit = metric.is_object() ? text_of(metric.get_object(), "unit") : "";
    parts.push_back(fmt::format("{} {}", util::sanitize_line(name),
                                quantity(value->to_number<double>(), unit)));
  }
  return joined(parts);
}

std::vector<Line> result_lines(const json::object& result, const ViewOptions& options) {
  const Glyphs& glyphs = options.style.glyphs();
  std::vector<Line> lines;
  for (const json::value& item : array_of(result, "findings"))
    if (item.is_object()) append_finding(lines, item.get_object(), options);
  if (options.detail == Detail::quiet) return lines;
  for (const std::string& action : texts_of(result, "actions"))
    append(lines,
           wrapped(lead(indent, Tone::accent, glyphs.bullet), Tone::plain, action, options.width));
  for (const json::value& item : array_of(result, "artifacts")) {
    if (!item.is_object()) continue;
    const std::string text = fmt::format("{} {}", text_of(item.get_object(), "kind"),
                                         text_of(item.get_object(), "path"));
    append(lines,
           wrapped(lead(indent, Tone::good, glyphs.arrow), Tone::plain, text, options.width));
  }
  if (options.detail != Detail::verbose) return lines;
  const Line plain_lead{{Tone::plain, std::string(indent, ' ')}};
  if (const std::string metrics = metrics_text(result); !metrics.empty())
    append(lines, wrapped(plain_lead, Tone::faint, metrics, options.width));
  for (const auto& [key, value] : result)
    if (!is_shared_field(key))
      append(lines, wrapped(plain_lead, Tone::faint,
                            util::sanitize_line(fmt::format("{}: {}", std::string_view(key),
                                                            json::serialize(value))),
                            options.width));
  return lines;
}

}  // namespace fusebox::report
