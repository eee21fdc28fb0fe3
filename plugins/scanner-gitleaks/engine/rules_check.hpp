// SPDX-License-Identifier: Apache-2.0
// What can only be said of rules by compiling them, which takes long: done once for the same rules.
#pragma once

#include <string>
#include <vector>

#include "engine/cache.hpp"
#include "engine/rules.hpp"
#include "engine/toml_view.hpp"

namespace fusebox::scan {

class RulesCheck {
 public:
  // One that has to compile; an empty one is none.
  void pattern(PlacedText pattern) {
    if (!pattern.text.empty()) patterns_.push_back(std::move(pattern));
  }
  // Each needs an id, and a regex or a path. Throws RulesError.
  void require_usable(const std::vector<Rule>& rules) const;
  // Compiles what `cache` does not know to be good. Gives the rules' digest. Throws RulesError.
  std::string run(const Rules& rules, const Cache& cache) const;

 private:
  std::string digest(const Rules& rules) const;

  std::vector<PlacedText> patterns_;
};

}  // namespace fusebox::scan
