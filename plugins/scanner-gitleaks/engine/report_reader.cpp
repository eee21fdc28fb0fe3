// SPDX-License-Identifier: Apache-2.0
#include "engine/report_reader.hpp"

#include <boost/json.hpp>
#include <stdexcept>

namespace fusebox::scan {

namespace json = boost::json;

namespace {

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
  finding.symlink_file = text_of(object, "SymlinkFile");
  finding.commit = text_of(object, "Commit");
  finding.link = text_of(object, "Link");
  finding.author = text_of(object, "Author");
  finding.email = text_of(object, "Email");
  finding.date = text_of(object, "Date");
  finding.message = text_of(object, "Message");
  finding.fingerprint = text_of(object, "Fingerprint");
  if (const json::value* entropy = object.if_contains("Entropy");
      entropy != nullptr && entropy->is_number())
    finding.entropy = static_cast<float>(entropy->to_number<double>());
  if (const json::value* tags = object.if_contains("Tags"); tags != nullptr && tags->is_array())
    for (const json::value& tag : tags->get_array())
      if (tag.is_string()) finding.tags.emplace_back(tag.get_string());
  return finding;
}

}  // namespace

std::vector<Finding> read_json_report(std::string_view text) {
  boost::system::error_code error;
  const json::value report = json::parse(text, error);
  if (error || !report.is_array()) throw std::runtime_error("it is no JSON report of findings");
  std::vector<Finding> findings;
  for (const json::value& entry : report.get_array())
    if (entry.is_object()) findings.push_back(finding_of(entry.get_object()));
  return findings;
}

}  // namespace fusebox::scan
