// SPDX-License-Identifier: Apache-2.0
#include "cli/watch.hpp"

#include "cli/output.hpp"
#include "run/exit_code.hpp"
#include "util/error.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <array>
#include <cstdlib>

namespace fusebox::cli {

namespace {

using namespace std::chrono_literals;
constexpr auto grace = 3s;

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Watch::Watch(Output& output) : output_(output), scope_(signals_), thread_([this] { loop(); }) {}

Watch::~Watch() {
  done_.cancel();
  thread_.join();
}

Watch::Guard::Guard(Watch& watch, std::string what, std::chrono::milliseconds limit)
    : watch_(watch) {
  watch_.what_ = std::move(what);
  watch_.limit_ms_.store(now_ms() + (limit + std::chrono::milliseconds(grace)).count(),
                         std::memory_order_release);
}

Watch::Guard::~Guard() { watch_.limit_ms_.store(0, std::memory_order_release); }

void Watch::loop() {
  while (true) {
    std::array<pollfd, 2> waited = {pollfd{signals_.leave.fd(), POLLIN, 0},
                                    pollfd{done_.fd(), POLLIN, 0}};
    poll(waited.data(), waited.size(), 200);
    if (waited[1].revents != 0) return;
    if (waited[0].revents != 0) std::_Exit(run::to_int(run::ExitCode::interrupted));
    const auto limit = limit_ms_.load(std::memory_order_acquire);
    if (limit != 0 && now_ms() > limit) {
      const int code = run::to_int(run::ExitCode::failed);
      output_.error(
          Error(
              Errc::timeout, fmt::format("{} did not answer in time, nor did it stop", what_),
              "the plugin ignores its deadline; run it again with -v, and report it to its author"),
          code);
      output_.flush();
      std::_Exit(code);
    }
  }
}

}  // namespace fusebox::cli
