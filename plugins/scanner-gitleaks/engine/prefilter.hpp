// SPDX-License-Identifier: Apache-2.0
// Tells in one pass over a text which rules' expressions may match it: all that do, and few more.
// Needs Hyperscan or Vectorscan; without them it is never there, and scans are slower.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/cache.hpp"
#include "engine/compiled.hpp"

namespace fusebox::scan {

class Prefilter {
 public:
  Prefilter();
  ~Prefilter();
  Prefilter(const Prefilter&) = delete;
  Prefilter& operator=(const Prefilter&) = delete;

  // From `cache`; nothing when it is not there.
  static std::shared_ptr<const Prefilter> load(const Compiled& rules, const Cache& cache);
  // Takes about a second for 200 rules, and leaves it in `cache`. Nothing where this machine or
  // build has no library for it.
  static std::shared_ptr<const Prefilter> build(const Compiled& rules, const Cache& cache);

  // Whether it knows the rule's expression. One that it does not know is always a candidate.
  bool knows(std::size_t rule) const { return known_[rule]; }

  class Scratch;

 private:
  struct Database;
  std::vector<bool> known_;  // by rule
  std::unique_ptr<Database> database_;
};

// What one thread needs to use it.
class Prefilter::Scratch {
 public:
  explicit Scratch(std::shared_ptr<const Prefilter> prefilter);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  // Sets candidates[i] for each rule whose expression may match. False: it cannot tell for this
  // text.
  bool find(std::string_view text, bool is_ascii, std::vector<bool>& candidates);
  bool knows(std::size_t rule) const { return prefilter_->knows(rule); }

 private:
  bool compact(std::string_view text);

  struct Memory;
  std::shared_ptr<const Prefilter> prefilter_;
  std::unique_ptr<Memory> memory_;
  std::string compacted_;
};

}  // namespace fusebox::scan
