// SPDX-License-Identifier: Apache-2.0
// configs/scanner/rules.toml, by our own engine, against samples of every rule and our own sources.
#include <doctest/doctest.h>
#include <toml++/toml.h>

#include <fstream>

#include "engine/scanner.hpp"
#include "samples_check.hpp"
#include "tests/support/child.hpp"
#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;
using namespace fusebox::test;
using fusebox::samples::Expect;
using fusebox::samples::Sample;

namespace {

std::set<std::string> rule_ids() {
  std::set<std::string> ids;
  const toml::table rules = toml::parse_file(RULES_FILE);
  for (const auto& rule : *rules["rules"].as_array())
    ids.insert((*rule.as_table())["id"].value_or<std::string>(""));
  return ids;
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

}  // namespace

TEST_CASE("every rule has at least three samples that are found and three that are not") {
  std::map<std::string, std::pair<int, int>> count;
  for (const Sample& sample : samples_of_this_run())
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
  REQUIRE(again.size() == samples_of_this_run().size());
  for (std::size_t i = 0; i < again.size(); ++i)
    CHECK(again[i].text == samples_of_this_run()[i].text);
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
