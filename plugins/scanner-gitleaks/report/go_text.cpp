// SPDX-License-Identifier: Apache-2.0
#include "report/go_text.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

namespace fusebox::scan {

namespace {

// A float32 as Go's JSON has it: the shortest text that reads back the same.
std::string go_float(float value) {
  std::array<char, 64> room{};
  const float size = std::fabs(value);
  const auto form = size != 0 && (size < 1e-6F || size >= 1e21F) ? std::chars_format::scientific
                                                                 : std::chars_format::fixed;
  const auto end = std::to_chars(room.data(), room.data() + room.size(), value, form);
  return {room.data(), end.ptr};
}

}  // namespace

std::string well_formed(std::string_view text) {
  std::string out;
  for_each_rune(text, [&](std::string_view bytes, long code) {
    out += code < 0 ? std::string_view("\xEF\xBF\xBD") : bytes;
  });
  return out;
}

std::string go_json_string(std::string_view text) {
  std::string out = "\"";
  for_each_rune(text, [&](std::string_view bytes, long code) {
    switch (code) {
      case '"':
        out += "\\\"";
        return;
      case '\\':
        out += "\\\\";
        return;
      case '\b':
        out += "\\b";
        return;
      case '\f':
        out += "\\f";
        return;
      case '\n':
        out += "\\n";
        return;
      case '\r':
        out += "\\r";
        return;
      case '\t':
        out += "\\t";
        return;
      case -1:
        out += "\\ufffd";
        return;
      default:
        break;
    }
    if (code < 0x20 || code == '<' || code == '>' || code == '&' || code == 0x2028 ||
        code == 0x2029)
      out += fmt::format("\\u{:04x}", code);
    else
      out += bytes;
  });
  return out + '"';
}

std::string go_json_finding(const Finding& finding, std::string_view prefix,
                            std::string_view indent) {
  std::string out = "{";
  const auto raw = [&](std::string_view key, const std::string& value) {
    out += fmt::format("{}\n{}{}\"{}\": {}", out.size() > 1 ? "," : "", prefix, indent, key, value);
  };
  const auto text = [&](std::string_view key, const std::string& value) {
    raw(key, go_json_string(value));
  };
  const auto number = [&](std::string_view key, std::int64_t value) {
    raw(key, std::to_string(value));
  };
  text("RuleID", finding.rule_id);
  text("Description", finding.description);
  number("StartLine", finding.start_line);
  number("EndLine", finding.end_line);
  number("StartColumn", finding.start_column);
  number("EndColumn", finding.end_column);
  text("Match", finding.match);
  text("Secret", finding.secret);
  text("File", finding.file);
  text("SymlinkFile", finding.symlink_file);
  text("Commit", finding.commit);
  if (!finding.link.empty()) text("Link", finding.link);
  raw("Entropy", go_float(finding.entropy));
  text("Author", finding.author);
  text("Email", finding.email);
  text("Date", finding.date);
  text("Message", finding.message);
  std::string tags = "[";
  for (const std::string& tag : finding.tags)
    tags += fmt::format("{}\n{}{}{}{}", tags.size() > 1 ? "," : "", prefix, indent, indent,
                        go_json_string(tag));
  if (!finding.tags.empty()) tags += fmt::format("\n{}{}", prefix, indent);
  raw("Tags", tags + "]");
  text("Fingerprint", finding.fingerprint);
  return out + fmt::format("\n{}}}", prefix);
}

std::string go_xml_text(std::string_view text) {
  std::string out;
  for_each_rune(text, [&](std::string_view bytes, long code) {
    switch (code) {
      case '"':
        out += "&#34;";
        return;
      case '\'':
        out += "&#39;";
        return;
      case '&':
        out += "&amp;";
        return;
      case '<':
        out += "&lt;";
        return;
      case '>':
        out += "&gt;";
        return;
      case '\t':
        out += "&#x9;";
        return;
      case '\n':
        out += "&#xA;";
        return;
      case '\r':
        out += "&#xD;";
        return;
      default:
        break;
    }
    if (code < 0x20 || code == 0xFFFE || code == 0xFFFF)  // -1, too: no XML character
      out += "\xEF\xBF\xBD";
    else
      out += bytes;
  });
  return out;
}

}  // namespace fusebox::scan
