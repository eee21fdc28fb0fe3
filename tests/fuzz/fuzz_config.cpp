// SPDX-License-Identifier: Apache-2.0
// A configuration file, and after a NUL byte a --set argument.
#include "config/config.hpp"
#include "config/render.hpp"
#include "tests/fuzz/problems.hpp"

#include <boost/json.hpp>

#include <cstdint>
#include <string_view>

namespace {

using namespace fusebox;

void round_trip(const config::Value& root) {
  const config::Value again = config::parse_toml(config::render_with_origins(root), "again");
  fuzz::check(config::to_json(again) == config::to_json(root), "config show prints what was read");
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t nul = input.find('\0');
  config::LoadOptions options;
  options.file = "fuzz.toml";
  if (nul != std::string_view::npos) {
    options.set.emplace_back(input.substr(nul + 1));
    options.environment.emplace("FUSEBOX_STACK__" + options.set.back(), options.set.back());
  }
  try {
    config::Value root = config::parse_toml(input.substr(0, nul), "fuzz.toml");
    round_trip(root);
    const config::Config loaded = config::load(std::move(root), options);
    round_trip(loaded.root);
  } catch (const config::ConfigError& error) {
    fuzz::check_problems(error);
  }
  return 0;
}
