// SPDX-License-Identifier: Apache-2.0
// The real gitleaks, in the version that fusebox's findings are those of.
#pragma once

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/child.hpp"

namespace fusebox::test {

inline constexpr const char* gitleaks_version = "8.30";

// Its path; "" where it is not: the test then says so, and is skipped.
inline std::string real_gitleaks() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::filesystem::path program = std::filesystem::path(folder) / "gitleaks";
    std::error_code ignored;
    if (std::filesystem::is_regular_file(program, ignored)) return program.string();
  }
  return "";
}

inline std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Runs it in `folder`, its report as `name` there; its exit code.
inline int run_gitleaks(const std::filesystem::path& folder, std::vector<std::string> options,
                        const std::string& report) {
  ChildSpec spec;
  spec.command = {real_gitleaks()};
  spec.command.insert(spec.command.end(), options.begin(), options.end());
  for (const char* word : {"--no-banner", "--log-level", "error", "-r"})
    spec.command.emplace_back(word);
  spec.command.push_back(report);
  spec.cwd = folder;
  spec.log = folder.string() + ".log";
  return Child(spec).wait();
}

}  // namespace fusebox::test
