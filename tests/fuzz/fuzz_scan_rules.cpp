// SPDX-License-Identifier: Apache-2.0
// A rules file in gitleaks' format. It is read, or refused with a place.
#include <cstdint>
#include <string_view>

#include "engine/rules.hpp"
#include "tests/fuzz/check.hpp"

// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  try {
    const auto rules = fusebox::scan::load_rules_text(input, "fuzz.toml", {});
    for (const auto& rule : rules->rules)
      fusebox::fuzz::check(!rule.regex.empty() || !rule.path.empty(), "a rule finds something");
  } catch (const fusebox::scan::RulesError& error) {
    fusebox::fuzz::check(std::string_view(error.what()).find(": ") != std::string_view::npos,
                         "an error says where and why");
  }
  return 0;
}
