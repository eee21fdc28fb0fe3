// SPDX-License-Identifier: Apache-2.0
// The core's error codes and the ABI's are one list.
#include "util/error.hpp"

#include <doctest/doctest.h>
#include <fusebox/plugin.h>

#include <array>
#include <fstream>
#include <regex>
#include <set>
#include <string>

using fusebox::Errc;

namespace {

struct Pair {
  Errc core;
  fbx_rc abi;
  const char* name;
};

constexpr std::array<Pair, 15> codes = {{
    {Errc::argument, FBX_ARGUMENT, "argument"},
    {Errc::config, FBX_CONFIG, "config"},
    {Errc::unsupported, FBX_UNSUPPORTED, "unsupported"},
    {Errc::not_found, FBX_NOT_FOUND, "not_found"},
    {Errc::denied, FBX_DENIED, "denied"},
    {Errc::unavailable, FBX_UNAVAILABLE, "unavailable"},
    {Errc::timeout, FBX_TIMEOUT, "timeout"},
    {Errc::cancelled, FBX_CANCELLED, "cancelled"},
    {Errc::conflict, FBX_CONFLICT, "conflict"},
    {Errc::io, FBX_IO, "io"},
    {Errc::nomem, FBX_NOMEM, "nomem"},
    {Errc::internal, FBX_INTERNAL, "internal"},
    {Errc::failed, FBX_FAILED, "failed"},
    {Errc::skipped, FBX_SKIPPED, "skipped"},
    {Errc::refused, FBX_REFUSED, "refused"},
}};

// How many names `pattern` finds in a source file: what was added there must be added here.
size_t names_in(const std::string& file, const std::regex& pattern) {
  std::ifstream in(std::string(FUSEBOX_SOURCE_DIR) + "/" + file);
  REQUIRE_MESSAGE(in.good(), file);
  std::set<std::string> found;
  for (std::string line; std::getline(in, line);) {
    std::smatch match;
    if (std::regex_search(line, match, pattern)) found.insert(match[1]);
  }
  return found.size();
}

}  // namespace

TEST_CASE("each error code of the core has the number and the name of the ABI's") {
  std::set<fbx_rc> seen;
  for (const auto& code : codes) {
    CHECK(static_cast<fbx_rc>(code.core) == code.abi);
    CHECK(fusebox::to_string(code.core) == code.name);
    CHECK(seen.insert(code.abi).second);
  }
  CHECK(seen.count(FBX_OK) == 0);
}

TEST_CASE("no code is missing in the list above") {
  const size_t log_levels = 4;
  const size_t ok = 1;
  CHECK(names_in("sdk/include/fusebox/plugin.h", std::regex(R"(#define (FBX_\w+) INT32_C)")) ==
        codes.size() + log_levels + ok);
  CHECK(names_in("core/util/error.hpp", std::regex(R"(^  (\w+) = \d+,)")) == codes.size());
}
