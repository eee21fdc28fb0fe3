// SPDX-License-Identifier: Apache-2.0
// SIGINT, SIGTERM and SIGHUP as an operator's wishes.
#pragma once

#include "run/executor.hpp"

namespace fusebox::run {

// While it lives, the first signal cancels and a later one stops the waiting. Two within a quarter
// of a second are one: a terminal, a supervisor and a parent may all tell the same wish. At most
// one at a time per process; `signals` outlives it. The handlers of before are put back.
class InterruptScope {
 public:
  explicit InterruptScope(Signals& signals);
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;
};

}  // namespace fusebox::run
