// SPDX-License-Identifier: Apache-2.0
// Findings that are known and accepted: .gitleaksignore, and a baseline of earlier findings.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/finding.hpp"

namespace fusebox::scan {

class Known {
 public:
  // Those lines of a .gitleaksignore that are no fingerprint go to `warnings`, and count as
  // written.
  void add_ignored(const std::filesystem::path& file, std::vector<std::string>& warnings);
  // A JSON report. Throws std::runtime_error when it is none.
  void add_baseline(const std::filesystem::path& file);

  // Gives the finding its fingerprint. True: it is known. `is_redacted`: secrets are not compared.
  bool judge(Finding& finding, bool is_redacted) const;

 private:
  std::unordered_set<std::string> ignored_;
  std::unordered_multimap<std::string, Finding> baseline_;  // by rule, file and line
};

}  // namespace fusebox::scan
