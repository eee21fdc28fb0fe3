// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config_error.hpp"
#include "tests/fuzz/check.hpp"
#include "util/text.hpp"

#include <string>

namespace fusebox::fuzz {

// What holds for every error text, whatever the input was: it is one line of valid UTF-8.
inline void check_problems(const config::ConfigError& error) {
  check(!error.problems().empty(), "a refusal has a reason");
  for (const config::Problem& problem : error.problems()) {
    const std::string text = problem.what + problem.hint;
    check(!problem.what.empty(), "a problem says what is wrong");
    check(util::valid_utf8(text), "an error text is UTF-8");
    check(text.find('\n') == std::string::npos, "an error text is one line");
    check(text.find('\x1b') == std::string::npos, "an error text has no escape sequence");
  }
}

}  // namespace fusebox::fuzz
