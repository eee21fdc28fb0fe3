// SPDX-License-Identifier: Apache-2.0
// A plugin's manifest, and after a NUL byte settings that are checked against it.
#include "config/toml_text.hpp"
#include "plugin/manifest.hpp"
#include "tests/fuzz/problems.hpp"

#include <boost/json.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace {

using namespace fusebox;

void check_settings(const plugin::Manifest& manifest, std::string_view text) {
  const config::Value settings = config::parse_toml(text, "fusebox.toml");
  std::vector<config::Problem> problems;
  const auto canonical = config::canonicalize(settings, manifest.config, "[plugins.x]", problems);
  if (!problems.empty()) throw config::ConfigError(std::move(problems));
  for (const auto& [name, field] : manifest.config) {
    fuzz::check(canonical.contains(name) || (!field.required && !field.default_value),
                "canonical settings hold what is required or has a default");
  }
  for (const std::string& name : config::secret_names(canonical, manifest.config)) {
    fuzz::check(!name.empty(), "a secret has a name");
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t nul = input.find('\0');
  try {
    const auto manifest =
        plugin::parse_manifest(std::string(input.substr(0, nul)), "a.fusebox.toml");
    fuzz::check(manifest.text == input.substr(0, nul), "a manifest keeps its bytes");
    check_settings(manifest, nul == std::string_view::npos ? "" : input.substr(nul + 1));
  } catch (const config::ConfigError& error) {
    fuzz::check_problems(error);
  }
  return 0;
}
