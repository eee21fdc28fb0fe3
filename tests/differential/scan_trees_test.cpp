// SPDX-License-Identifier: Apache-2.0
// Real trees that are at hand where this is built.
#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <filesystem>

#include "tests/differential/gitleaks.hpp"
#include "tests/differential/samples.hpp"

using namespace fusebox::test;
namespace fs = std::filesystem;

TEST_CASE("real trees give the same findings") {
  need_gitleaks();
  constexpr std::array trees = {
      "/usr/include/openssl",     "/usr/include/boost/json",       "/usr/share/bash-completion",
      "/usr/include/re2",         "/usr/share/cmake-3.25/include", "/etc/ssl",
      "/usr/share/perl5/Debconf", "/usr/share/common-licenses",    "/usr/share/git-core",
      PROJECT_FOLDER "/configs",  PROJECT_FOLDER "/core",          PROJECT_FOLDER "/plugins"};
  int scanned = 0;
  for (const char* tree : trees) {
    std::error_code error;
    if (!fs::is_directory(tree, error)) continue;
    compare({.kind = Kind::folder, .folder = "/", .path = tree});
    ++scanned;
  }
  CHECK(scanned >= 5);
}

TEST_CASE("the sources of gitleaks' rules, full of examples, give the same findings") {
  need_gitleaks();
  const fs::path rules = gitleaks_rules().parent_path() / "examples";
  if (!fs::is_directory(rules)) {
    std::printf("SKIPPED: there is no %s\n", rules.c_str());
    return;
  }
  CHECK(compare({.kind = Kind::folder, .folder = rules}) > 100);
}
