// SPDX-License-Identifier: Apache-2.0
#include "run/interrupt.hpp"

#include <doctest/doctest.h>
#include <signal.h>

#include <chrono>
#include <thread>

using namespace fusebox::run;
using namespace std::chrono_literals;

TEST_CASE("the first signal cancels, an echo of it counts once, a later one stops the waiting") {
  Signals signals;
  const InterruptScope scope(signals);
  CHECK_FALSE(signals.cancel.cancelled());
  ::raise(SIGINT);
  CHECK(signals.cancel.cancelled());
  ::raise(SIGTERM);
  CHECK_FALSE(signals.leave.cancelled());
  std::this_thread::sleep_for(300ms);
  ::raise(SIGHUP);
  CHECK(signals.leave.cancelled());
}

TEST_CASE("the handlers of before come back") {
  struct sigaction before {};
  ::sigaction(SIGINT, nullptr, &before);
  {
    Signals signals;
    const InterruptScope scope(signals);
    struct sigaction during {};
    ::sigaction(SIGINT, nullptr, &during);
    CHECK((during.sa_handler != before.sa_handler));
  }
  struct sigaction after {};
  ::sigaction(SIGINT, nullptr, &after);
  CHECK((after.sa_handler == before.sa_handler));
}
