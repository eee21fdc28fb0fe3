// SPDX-License-Identifier: Apache-2.0
// configs/scanner/rules.toml, by the real gitleaks.
#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "samples_check.hpp"
#include "tests/support/gitleaks.hpp"
#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace fusebox::test;
using fusebox::samples::Expect;

namespace {

Found read_report(const fs::path& report) {
  Found found;
  const json::value findings = json::parse(text_of(report));
  for (const json::value& finding : findings.as_array())
    found[std::stoull(std::string(finding.at("File").as_string()))].insert(
        std::string(finding.at("RuleID").as_string()));
  return found;
}

// What the real one finds in the samples.
Found gitleaks_finds(const std::vector<std::string>& rules) {
  TempDir dir;
  std::vector<std::string> options = {"dir", ".", "--exit-code", "7"};
  options.insert(options.end(), rules.begin(), rules.end());
  REQUIRE(run_gitleaks(tree_of_samples(), options, (dir / "report.json").string()) == 7);
  return read_report(dir / "report.json");
}

const Found& gitleaks_finds_with_ours() {
  static const Found found = gitleaks_finds({"-c", RULES_FILE});
  return found;
}

}  // namespace

TEST_CASE("the real gitleaks finds with our rules what it should, and nothing else") {
  need_gitleaks();
  check_samples(gitleaks_finds_with_ours());
}

TEST_CASE("samples that gitleaks' own rules find are found by ours") {
  need_gitleaks();
  const Found theirs = gitleaks_finds({});
  const Found& ours = gitleaks_finds_with_ours();
  std::size_t leaks = 0;
  std::size_t theirs_of_leaks = 0;
  for (std::size_t i = 0; i < samples_of_this_run().size(); ++i) {
    if (samples_of_this_run()[i].expect != Expect::found) continue;
    ++leaks;
    if (theirs.count(i) == 0) continue;
    ++theirs_of_leaks;
    CAPTURE(samples_of_this_run()[i].text);
    CHECK(ours.count(i) == 1);
  }
  MESSAGE("of ", leaks, " leaks gitleaks' own rules find ", theirs_of_leaks, ", ours all of them");
  CHECK(theirs_of_leaks * 10 > leaks * 6);
}
