// SPDX-License-Identifier: Apache-2.0
// Compose's own program: the one that the set-up fetched, or docker's plugin.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

namespace fusebox::test {

// How to call it. Ends the program as skipped (77) where there is none.
inline std::vector<std::string> compose_program() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const std::filesystem::path folder = cache != nullptr && *cache != '\0'
                                           ? std::filesystem::path(cache)
                                           : std::filesystem::path(home ? home : "/") / ".cache";
  const auto fetched = folder / "fusebox/docker/cli-plugins/docker-compose";
  if (std::filesystem::exists(fetched)) return {fetched.string()};
  if (std::system("docker compose version >/dev/null 2>&1") == 0) return {"docker", "compose"};
  std::cerr << "SKIPPED: there is no Docker Compose; cmake/setup.sh test fetches it\n";
  std::_Exit(77);
}

}  // namespace fusebox::test
