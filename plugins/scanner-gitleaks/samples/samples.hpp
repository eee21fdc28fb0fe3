// SPDX-License-Identifier: Apache-2.0
// Samples of every rule in configs/scanner/rules.toml, made when they are asked for, so that
// nothing that looks like a secret stands in a file. Also what `security test` plants.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fusebox::samples {

enum class Expect {
  found,   // by its rule
  other,   // not by its rule; another one may
  silent,  // by none
};

struct Sample {
  std::string rule;
  Expect expect = Expect::found;
  std::string file;  // a relative path
  std::string text;
  std::string what;  // of what kind it is: "in an environment file", "too short", ...
};

// The same seed makes the same samples.
std::vector<Sample> all(std::uint64_t seed);

// Lines that refer to secrets as a Langfuse stack's files do, and hold none: op:// references,
// variables, commands, placeholders.
std::string references();

}  // namespace fusebox::samples
