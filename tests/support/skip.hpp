// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace fusebox::test {

// Ends a test program that cannot run here, loudly, as skipped (77): CTest counts it apart. What
// failed before that stays a failure.
[[noreturn]] void skip_program(const std::string& why);

}  // namespace fusebox::test
