// SPDX-License-Identifier: Apache-2.0
// The real gitleaks and our engine on the same source.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/scanner.hpp"

namespace fusebox::test {

// Ends the program as skipped, with the reason, when there is no gitleaks 8.30.1 or no file of its
// own rules.
void need_gitleaks();

std::filesystem::path gitleaks();
std::filesystem::path gitleaks_rules();  // its own default rules

enum class Kind { folder, staged, history, log };

struct Case {
  Kind kind = Kind::folder;
  std::filesystem::path folder = {};          // where both run
  std::string path = ".";                     // as typed
  std::filesystem::path config = {};          // empty: gitleaks' own rules for both
  std::vector<std::string> flags = {};        // of gitleaks
  std::vector<std::string> log_options = {};  // of Kind::log
  scan::Options options = {};
  std::vector<std::string> enable = {};
};

// Scans with both and checks that they find the same. The number of findings.
std::size_t compare(const Case& what);

// What the engine alone finds.
std::size_t count_ours(const Case& what);

// A program in `folder`; throws when it fails. Its output.
std::string run_in(const std::filesystem::path& folder, std::vector<std::string> command);

}  // namespace fusebox::test
