// SPDX-License-Identifier: Apache-2.0
// The real gitleaks, in the version that fusebox's findings are those of.
#pragma once

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/support/child.hpp"
#include "tests/support/skip.hpp"

namespace fusebox::test {

// The one that cmake/setup.sh has built.
inline std::string real_gitleaks() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const std::filesystem::path folder = cache != nullptr && *cache != '\0'
                                           ? std::filesystem::path(cache)
                                           : std::filesystem::path(home ? home : "/") / ".cache";
  return (folder / "fusebox/bin/gitleaks").string();
}

// Ends the program as skipped (77) where there is none.
inline void need_gitleaks() {
  if (std::filesystem::exists(real_gitleaks())) return;
  skip_program("there is no gitleaks; cmake/setup.sh test builds it");
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
