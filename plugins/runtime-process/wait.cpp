// SPDX-License-Identifier: Apache-2.0
#include "wait.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>

namespace runtime_process {
namespace {

// How late a sibling's failure or the op's deadline may be noticed.
constexpr milliseconds slice{50};

}  // namespace

void Wait::check(std::string_view what) const {
  op_.check(what);
  if (stop_ != nullptr && stop_->load())
    throw fbx::Error(FBX_CANCELLED, fmt::format("gave up {} because another service failed", what));
}

void Wait::pause(milliseconds time, std::string_view what) const {
  until(-1, 0, steady_clock::now() + time, what);
}

bool Wait::until(int fd, short events, steady_clock::time_point deadline,
                 std::string_view what) const {
  for (;;) {
    check(what);
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0) return false;
    std::array<::pollfd, 2> items{{{op_.cancel_fd(), POLLIN, 0}, {fd, events, 0}}};
    ::poll(items.data(), items.size(), static_cast<int>(std::min(left, slice).count()));
    if (items[1].revents != 0) return true;
  }
}

}  // namespace runtime_process
