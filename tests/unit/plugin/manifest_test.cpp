// SPDX-License-Identifier: Apache-2.0
#include "plugin/manifest.hpp"

#include "config/config_error.hpp"

#include <doctest/doctest.h>

#include <filesystem>

using namespace fusebox;

TEST_CASE("the manifests of this tree are valid") {
  std::size_t read = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(FUSEBOX_PLUGINS_DIR)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".fusebox.toml")) continue;
    INFO(entry.path().string());
    CHECK(plugin::read_manifest(entry.path()).id + ".fusebox.toml" == name);
    ++read;
  }
  CHECK(read > 0);
}
