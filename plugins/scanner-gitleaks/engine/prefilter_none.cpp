// SPDX-License-Identifier: Apache-2.0
// A build without Hyperscan or Vectorscan.
#include "engine/prefilter.hpp"

namespace fusebox::scan {

struct Prefilter::Database {};
struct Prefilter::Scratch::Memory {};

Prefilter::Prefilter() = default;
Prefilter::~Prefilter() = default;

std::shared_ptr<const Prefilter> Prefilter::load(const Compiled&, const Cache&) { return nullptr; }
std::shared_ptr<const Prefilter> Prefilter::build(const Compiled&, const Cache&) { return nullptr; }

Prefilter::Scratch::Scratch(std::shared_ptr<const Prefilter> prefilter)
    : prefilter_(std::move(prefilter)) {}
Prefilter::Scratch::~Scratch() = default;

bool Prefilter::Scratch::find(std::string_view, bool, std::vector<bool>&) { return false; }

}  // namespace fusebox::scan
