// SPDX-License-Identifier: Apache-2.0
#include "engine/json_report.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <stdexcept>

#include "engine/utf8_text.hpp"

namespace fusebox::scan {

namespace json = boost::json;

namespace {

// As Go's encoder does: what HTML may take for its own is escaped, too.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const Rune rune = first_rune(text);
    const char32_t c = rune.value;
    const bool is_separator = c == 0x2028U || c == 0x2029U;
    if (!rune.valid) {
      out += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      out += {'\\', static_cast<char>(c)};
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\b') {
      out += "\\b";
    } else if (c == '\f') {
      out += "\\f";
    } else if (c < 0x20U || c == '<' || c == '>' || c == '&' || is_separator) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += text.substr(0, rune.size);
    }
    text.remove_prefix(rune.size);
  }
  return out + "\"";
}

std::string tag_list(const std::vector<std::string>& tags) {
  if (tags.empty()) return "[]";
  std::string out = "[\n";
  for (std::size_t i = 0; i < tags.size(); ++i)
    out += fmt::format("   {}{}\n", quoted(tags[i]), i + 1 == tags.size() ? "" : ",");
  return out + "  ]";
}

std::string object(const Finding& f) {
  std::string out = " {\n";
  const auto field = [&](std::string_view name, std::string_view value, bool is_last = false) {
    out += fmt::format("  \"{}\": {}{}\n", name, value, is_last ? "" : ",");
  };
  const auto text = [&](std::string_view name, const std::string& value) {
    field(name, quoted(value));
  };
  const auto number = [&](std::string_view name, std::int64_t value) {
    field(name, fmt::format("{}", value));
  };
  text("RuleID", f.rule_id);
  text("Description", f.description);
  number("StartLine", f.start_line);
  number("EndLine", f.end_line);
  number("StartColumn", f.start_column);
  number("EndColumn", f.end_column);
  text("Match", f.match);
  text("Secret", f.secret);
  text("File", f.file);
  text("SymlinkFile", f.symlink_file);
  text("Commit", f.commit);
  if (!f.link.empty()) text("Link", f.link);
  field("Entropy", fmt::format("{}", f.entropy));
  text("Author", f.author);
  text("Email", f.email);
  text("Date", f.date);
  text("Message", f.message);
  field("Tags", tag_list(f.tags));
  field("Fingerprint", quoted(f.fingerprint), true);
  return out + " }";
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

std::string json_report(std::span<const Finding> findings) {
  if (findings.empty()) return "[]\n";
  std::string out = "[\n";
  for (std::size_t i = 0; i < findings.size(); ++i)
    out += object(findings[i]) + (i + 1 == findings.size() ? "\n" : ",\n");
  return out + "]\n";
}

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
