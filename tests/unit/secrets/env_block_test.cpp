// SPDX-License-Identifier: Apache-2.0
#include "secrets/env_block.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "util/error.hpp"
#include "util/subprocess.hpp"

using fusebox::secrets::EnvBlock;
namespace util = fusebox::util;

namespace {
std::string shell(const EnvBlock& environment, const std::string& script) {
  util::ProcessSpec spec;
  spec.command = {"/bin/sh", "-c", script};
  spec.envp = environment.envp();
  std::string out;
  util::run_process(
      spec, [&](std::string_view bytes) { out += bytes; }, {}, std::nullopt, nullptr);
  return out;
}
}  // namespace

TEST_CASE("a child sees our environment with what was set and without what was taken out") {
  ::setenv("FBX_KEPT", "kept", 1);
  ::setenv("FBX_GONE", "gone", 1);
  ::setenv("FBX_OLD", "old", 1);
  EnvBlock environment;
  environment.set("FBX_OLD", "first");
  environment.set("FBX_OLD", "new=value");
  environment.set("FBX_EMPTY", "");
  environment.unset("FBX_GONE");
  environment.unset("FBX_NEVER");
  CHECK(shell(environment, "echo $FBX_KEPT,${FBX_GONE-none},$FBX_OLD,${FBX_EMPTY-none}") ==
        "kept,none,new=value,\n");
  CHECK(std::string(std::getenv("FBX_OLD")) == "old");
}

TEST_CASE(
    "names and values that an environment cannot hold are refused without showing the value") {
  EnvBlock environment;
  CHECK_THROWS_AS(environment.set("", "x"), fusebox::Error);
  CHECK_THROWS_AS(environment.set("A=B", "x"), fusebox::Error);
  CHECK_THROWS_WITH_AS(environment.set("A", std::string_view("top\0secret", 10)),
                       "the value for the environment variable A has a zero byte", fusebox::Error);
}
