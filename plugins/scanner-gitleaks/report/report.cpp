// SPDX-License-Identifier: Apache-2.0
#include "report/report.hpp"

#include <utility>

namespace fusebox::scan {

std::optional<Format> format_of(std::string_view name_or_path) {
  const std::size_t dot = name_or_path.rfind('.');
  const std::string_view name =
      dot == std::string_view::npos ? name_or_path : name_or_path.substr(dot + 1);
  for (const auto& [known, format] : {std::pair{std::string_view("json"), Format::json},
                                      {"csv", Format::csv},
                                      {"junit", Format::junit},
                                      {"xml", Format::junit},
                                      {"sarif", Format::sarif}})
    if (name == known) return format;
  return std::nullopt;
}

std::string write_report(Format format, std::span<const Finding> findings, const Rules& rules,
                         std::string_view version) {
  switch (format) {
    case Format::json:
      return write_json(findings);
    case Format::csv:
      return write_csv(findings);
    case Format::junit:
      return write_junit(findings);
    case Format::sarif:
      return write_sarif(findings, rules, version);
  }
  return {};
}

}  // namespace fusebox::scan
