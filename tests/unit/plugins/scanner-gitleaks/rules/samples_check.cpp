// SPDX-License-Identifier: Apache-2.0
#include "samples_check.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>

#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;
using fusebox::samples::Expect;
using fusebox::samples::Sample;

namespace fusebox::test {

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

const std::vector<Sample>& samples_of_this_run() {
  static const std::vector<Sample> made = samples::all(seed());
  return made;
}

const fs::path& tree_of_samples() {
  static const TempDir dir;
  static const fs::path tree = [] {
    for (std::size_t i = 0; i < samples_of_this_run().size(); ++i) {
      const fs::path file = dir / "tree" / std::to_string(i) / samples_of_this_run()[i].file;
      fs::create_directories(file.parent_path());
      std::ofstream(file, std::ios::binary) << samples_of_this_run()[i].text;
    }
    return dir / "tree";
  }();
  return tree;
}

void check_samples(const Found& found) {
  for (std::size_t i = 0; i < samples_of_this_run().size(); ++i) {
    const Sample& sample = samples_of_this_run()[i];
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

}  // namespace fusebox::test
