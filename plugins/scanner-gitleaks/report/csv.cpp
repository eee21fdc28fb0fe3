// SPDX-License-Identifier: Apache-2.0
#include <initializer_list>

#include "report/report.hpp"

namespace fusebox::scan {

namespace {

// What Unicode calls white space, as far as a field may begin with it.
bool begins_with_space(std::string_view text) {
  for (const std::string_view space :
       {"\t", "\n", "\v", "\f", "\r", " ", "\xC2\x85", "\xC2\xA0", "\xE1\x9A\x80", "\xE2\x80\xA8",
        "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"})
    if (text.starts_with(space)) return true;
  return text.size() > 2 && text.starts_with("\xE2\x80") &&
         static_cast<unsigned char>(text[2]) >= 0x80 && static_cast<unsigned char>(text[2]) <= 0x8A;
}

std::string field(const std::string& text) {
  const bool quoted =
      text == "\\." || text.find_first_of(",\"\r\n") != text.npos || begins_with_space(text);
  if (!quoted) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string row(std::initializer_list<std::string> fields, const std::string* link) {
  std::string out;
  for (const std::string& one : fields) out += (out.empty() ? "" : ",") + field(one);
  if (link != nullptr) out += "," + field(*link);
  return out + "\n";
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (&word == words.data() ? "" : " ") + word;
  return out;
}

}  // namespace

std::string write_csv(std::span<const Finding> findings) {
  if (findings.empty()) return "";
  const bool linked = !findings.front().link.empty();
  const std::string title = "Link";
  std::string out =
      row({"RuleID", "Commit", "File", "SymlinkFile", "Secret", "Match", "StartLine", "EndLine",
           "StartColumn", "EndColumn", "Author", "Message", "Date", "Email", "Fingerprint", "Tags"},
          linked ? &title : nullptr);
  for (const Finding& f : findings)
    out += row({f.rule_id, f.commit, f.file, f.symlink_file, f.secret, f.match,
                std::to_string(f.start_line), std::to_string(f.end_line),
                std::to_string(f.start_column), std::to_string(f.end_column), f.author, f.message,
                f.date, f.email, f.fingerprint, joined(f.tags)},
               linked ? &f.link : nullptr);
  return out;
}

}  // namespace fusebox::scan
