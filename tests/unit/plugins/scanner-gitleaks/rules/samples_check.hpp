// SPDX-License-Identifier: Apache-2.0
// The samples of this run, as files, and what should be found in them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "samples/samples.hpp"

namespace fusebox::test {

// FUSEBOX_SEED makes a failure happen again.
std::uint64_t seed();
const std::vector<samples::Sample>& samples_of_this_run();
// Each sample in a folder of its number.
const std::filesystem::path& tree_of_samples();

using Found = std::map<std::size_t, std::set<std::string>>;  // sample: rules

// Fails for each sample that is not found as it should be.
void check_samples(const Found& found);

}  // namespace fusebox::test
