// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <map>

#include "report/go_text.hpp"
#include "report/report.hpp"

namespace json = boost::json;

namespace fusebox::scan {

namespace {

// A path as a URI reference: a viewer must not take a "%" or a space for something else.
std::string uri(std::string_view path) {
  std::string out;
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~/!@").find(c) != std::string_view::npos;
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

json::object location(const Finding& finding) {
  json::object physical{
      {"artifactLocation",
       {{"uri", uri(finding.symlink_file.empty() ? finding.file : finding.symlink_file)}}}};
  // A finding of a path alone has no lines, and the format's begin at 1.
  if (finding.start_line > 0)
    physical["region"] = {{"startLine", finding.start_line},
                          {"startColumn", std::max<std::int64_t>(finding.start_column, 1)},
                          {"endLine", finding.end_line},
                          {"endColumn", std::max<std::int64_t>(finding.end_column, 1)}};
  return {{"physicalLocation", std::move(physical)}};
}

json::object result(const Finding& finding, const std::map<std::string_view, std::size_t>& index) {
  const std::string commit =
      finding.commit.empty() ? "" : fmt::format(" in commit {}", finding.commit);
  json::object out{
      {"ruleId", well_formed(finding.rule_id)},
      {"level", "error"},
      {"message",
       {{"text", well_formed(fmt::format("{}: found by {} in {}{}", finding.description,
                                         finding.rule_id, finding.file, commit))}}},
      {"locations", json::array{location(finding)}},
      {"fingerprints", {{"gitleaks/v1", well_formed(finding.fingerprint)}}}};
  const auto at = index.find(finding.rule_id);
  if (at != index.end()) out["ruleIndex"] = at->second;
  json::object partial;
  for (const auto& [key, value] : {std::pair{"commitSha", &finding.commit},
                                   {"author", &finding.author},
                                   {"email", &finding.email},
                                   {"date", &finding.date},
                                   {"commitMessage", &finding.message}})
    if (!value->empty()) partial[key] = well_formed(*value);
  if (!partial.empty()) out["partialFingerprints"] = std::move(partial);
  if (!finding.tags.empty()) {
    json::array tags;
    for (const std::string& tag : finding.tags) tags.emplace_back(well_formed(tag));
    out["properties"] = {{"tags", std::move(tags)}};
  }
  return out;
}

}  // namespace

std::string write_sarif(std::span<const Finding> findings, const Rules& rules,
                        std::string_view version) {
  std::map<std::string_view, std::size_t> index;
  json::array described;
  for (const Rule& rule : rules.rules) {
    if (!index.emplace(rule.id, described.size()).second) continue;
    json::object one{{"id", well_formed(rule.id)}, {"defaultConfiguration", {{"level", "error"}}}};
    if (!rule.description.empty())
      one["shortDescription"] = {{"text", well_formed(rule.description)}};
    described.push_back(std::move(one));
  }
  json::array results;
  for (const Finding& finding : findings) results.push_back(result(finding, index));
  json::object driver{
      {"name", "fusebox"}, {"semanticVersion", version}, {"rules", std::move(described)}};
  json::object run{{"tool", {{"driver", std::move(driver)}}}, {"results", std::move(results)}};
  return json::serialize(json::object{{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                                      {"version", "2.1.0"},
                                      {"runs", json::array{std::move(run)}}}) +
         "\n";
}

}  // namespace fusebox::scan
