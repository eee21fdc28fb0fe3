// SPDX-License-Identifier: Apache-2.0
// configs/scanner/rules.toml against samples of every rule.
#include <doctest/doctest.h>

#include <toml++/toml.h>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <set>

#include "engine/scanner.hpp"
#include "samples/samples.hpp"
#include "tests/support/gitleaks.hpp"
#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace fusebox::test;
using fusebox::samples::Expect;
using fusebox::samples::Sample;

namespace {

// FUSEBOX_SEED makes a failure happen again.
std::uint64_t seed() {
  static const std::uint64_t value = [] {
    const char* given = std::getenv("FUSEBOX_SEED");
    const std::uint64_t chosen =
        given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    std::cout << "samples: FUSEBOX_SEED=" << chosen << '\n';
    return chosen;
  }();
  return value;
}

const std::vector<Sample>& samples() {
  static const std::vector<Sample> made = fusebox::samples::all(seed());
  return made;
}

std::set<std::string> rule_ids() {
  std::set<std::string> ids;
  const toml::table rules = toml::parse_file(RULES_FILE);
  for (const auto& rule : *rules["rules"].as_array())
    ids.insert((*rule.as_table())["id"].value_or<std::string>(""));
  return ids;
}

// Each sample in a folder of its number.
const fs::path& tree_of_samples() {
  static const TempDir dir;
  static const fs::path tree = [] {
    for (std::size_t i = 0; i < samples().size(); ++i) {
      const fs::path file = dir / "tree" / std::to_string(i) / samples()[i].file;
      fs::create_directories(file.parent_path());
      std::ofstream(file, std::ios::binary) << samples()[i].text;
    }
    return dir / "tree";
  }();
  return tree;
}

using Found = std::map<std::size_t, std::set<std::string>>;  // sample: rules

void check_samples(const Found& found) {
  for (std::size_t i = 0; i < samples().size(); ++i) {
    const Sample& sample = samples()[i];
    const auto at = found.find(i);
    const std::set<std::string> rules = at != found.end() ? at->second : std::set<std::string>{};
    std::string by;
    for (const std::string& rule : rules) by += rule + " ";
    CAPTURE(sample.rule);
    CAPTURE(sample.what);
    CAPTURE(sample.text);
    CAPTURE(by);
    if (sample.expect == Expect::found)
      CHECK(rules.count(sample.rule) == 1);
    else if (sample.expect == Expect::other)
      CHECK(rules.count(sample.rule) == 0);
    else
      CHECK(rules.empty());
  }
}

std::shared_ptr<const fusebox::scan::Rules> our_rules() {
  static const auto rules = fusebox::scan::load_rules(RULES_FILE, {});
  return rules;
}

fusebox::scan::Report scan_folder(const fs::path& folder) {
  fusebox::scan::Options options;
  options.ignore = folder;
  return fusebox::scan::Scanner(our_rules(), options).folder(folder);
}

std::string told(const std::vector<fusebox::scan::Finding>& findings) {
  std::string text;
  for (const auto& finding : findings)
    text += finding.rule_id + " " + finding.file + ":" + std::to_string(finding.start_line) + "\n";
  return text;
}

// What git tracks of the sources, as a tree of its own: a build folder is none of it.
void copy_sources(const fs::path& to) {
  ChildSpec spec;
  spec.command = {"git", "-C", SOURCE_DIR, "ls-files", "-z", "--cached"};
  spec.cwd = "/";
  spec.log = to.string() + ".list";
  REQUIRE(Child(spec).wait() == 0);
  std::ifstream list(spec.log, std::ios::binary);
  std::size_t count = 0;
  for (std::string name; std::getline(list, name, '\0');) {
    const fs::path from = fs::path(SOURCE_DIR) / name;
    if (!fs::is_regular_file(from)) continue;  // removed, and not yet committed
    fs::create_directories((to / name).parent_path());
    fs::copy_file(from, to / name);
    ++count;
  }
  REQUIRE(count > 500);
}

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

TEST_CASE("every rule has at least three samples that are found and three that are not") {
  std::map<std::string, std::pair<int, int>> count;
  for (const Sample& sample : samples())
    ++(sample.expect == Expect::found ? count[sample.rule].first : count[sample.rule].second);
  const auto ids = rule_ids();
  CHECK(ids.size() > 220);
  for (const std::string& id : ids) {
    CAPTURE(id);
    CHECK(count[id].first >= 3);
    CHECK(count[id].second >= 3);
  }
  for (const auto& [id, ignored] : count) {
    CAPTURE(id);
    CHECK(ids.count(id) == 1);
  }
}

TEST_CASE("the same seed makes the same samples") {
  const auto again = fusebox::samples::all(seed());
  REQUIRE(again.size() == samples().size());
  for (std::size_t i = 0; i < again.size(); ++i) CHECK(again[i].text == samples()[i].text);
}

TEST_CASE("the real gitleaks finds with our rules what it should, and nothing else") {
  if (real_gitleaks().empty()) {
    MESSAGE("SKIPPED: no gitleaks in PATH");
    return;
  }
  check_samples(gitleaks_finds_with_ours());
}

TEST_CASE("samples that gitleaks' own rules find are found by ours") {
  if (real_gitleaks().empty()) {
    MESSAGE("SKIPPED: no gitleaks in PATH");
    return;
  }
  const Found theirs = gitleaks_finds({});
  const Found& ours = gitleaks_finds_with_ours();
  std::size_t leaks = 0;
  std::size_t theirs_of_leaks = 0;
  for (std::size_t i = 0; i < samples().size(); ++i) {
    if (samples()[i].expect != Expect::found) continue;
    ++leaks;
    if (theirs.count(i) == 0) continue;
    ++theirs_of_leaks;
    CAPTURE(samples()[i].text);
    CHECK(ours.count(i) == 1);
  }
  MESSAGE("of ", leaks, " leaks gitleaks' own rules find ", theirs_of_leaks, ", ours all of them");
  CHECK(theirs_of_leaks * 10 > leaks * 6);
}

TEST_CASE("the engine finds with our rules what it should, and nothing else") {
  const fs::path& tree = tree_of_samples();
  const auto report = scan_folder(tree);
  CHECK(report.problems.empty());
  CHECK(report.warnings.empty());
  Found found;
  for (const auto& finding : report.findings)
    found[std::stoull(fs::path(finding.file).lexically_relative(tree).begin()->string())].insert(
        finding.rule_id);
  check_samples(found);
}

TEST_CASE("the project's own sources hold no secret, its tests neither") {
  TempDir dir;
  const fs::path tree = dir / "sources";
  copy_sources(tree);
  const auto report = scan_folder(tree);
  CHECK_MESSAGE(report.findings.empty(), told(report.findings));
  CHECK(report.problems.empty());
}
