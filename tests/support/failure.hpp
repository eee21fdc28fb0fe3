// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace fusebox::test {

// True once a check of the running test case failed, and until the next test case: what the test
// made is worth keeping then.
bool test_failed();

}  // namespace fusebox::test
