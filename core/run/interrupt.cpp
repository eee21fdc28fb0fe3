// SPDX-License-Identifier: Apache-2.0
#include "run/interrupt.hpp"

#include <signal.h>
#include <time.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>

namespace fusebox::run {

namespace {

constexpr std::array caught{SIGINT, SIGTERM, SIGHUP};
constexpr std::int64_t one_wish_ms = 250;

std::atomic<Signals*> target{nullptr};
std::atomic<std::int64_t> first_ms{0};
std::array<struct sigaction, caught.size()> before{};

std::int64_t now_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

void on_signal(int) {
  const int saved = errno;
  if (Signals* signals = target.load()) {
    std::int64_t none = 0;
    const std::int64_t now = now_ms();
    if (first_ms.compare_exchange_strong(none, now))
      signals->cancel.cancel();
    else if (now - none >= one_wish_ms)
      signals->leave.cancel();
  }
  errno = saved;
}

}  // namespace

InterruptScope::InterruptScope(Signals& signals) {
  first_ms = 0;
  target = &signals;
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < caught.size(); ++i) ::sigaction(caught[i], &action, &before[i]);
}

InterruptScope::~InterruptScope() {
  for (std::size_t i = 0; i < caught.size(); ++i) ::sigaction(caught[i], &before[i], nullptr);
  target = nullptr;
}

}  // namespace fusebox::run
