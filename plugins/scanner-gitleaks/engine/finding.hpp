// SPDX-License-Identifier: Apache-2.0
// What a scan found, with the field names and meanings of gitleaks 8.30.1's report.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fusebox::scan {

struct Finding {
  std::string rule_id;
  std::string description;
  // 1-based; 0 for a finding of a path alone. Columns count bytes, and are one too large on every
  // line but a fragment's first: gitleaks' fingerprints and baselines depend on it.
  std::int64_t start_line = 0;
  std::int64_t end_line = 0;
  std::int64_t start_column = 0;
  std::int64_t end_column = 0;
  std::string match;
  std::string secret;
  std::string line;  // the lines of the match; in no report
  std::string file;
  std::string symlink_file;
  std::string commit;
  std::string link;
  float entropy = 0;
  std::string author;
  std::string email;
  std::string date;  // RFC 3339
  std::string message;
  std::vector<std::string> tags;
  std::string fingerprint;
};

}  // namespace fusebox::scan
