// SPDX-License-Identifier: Apache-2.0
#include "common/deadline.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace fbx::common {

namespace {

using std::chrono::milliseconds;

// A host without a cancel descriptor is asked this often.
constexpr milliseconds slice{100};

milliseconds capped(const Op& op, milliseconds most) {
  const auto remaining = op.remaining();
  if (!remaining) return most;
  const milliseconds margin = std::min(milliseconds{250}, *remaining / 10);
  return std::clamp(most, milliseconds{0}, *remaining - margin);
}

}  // namespace

Deadline::Deadline(const Op& op, milliseconds most)
    : op_(&op), span_(capped(op, most)), end_(Clock::now() + span_) {}

milliseconds Deadline::left() const {
  // Rounded up, so that "0 left" is only said when it is so.
  const auto left = std::chrono::ceil<milliseconds>(end_ - Clock::now());
  return std::max(left, milliseconds{0});
}

void Deadline::check_cancelled() const {
  // Past the op's own deadline cancelled() is true as well: that is a timeout, which the caller
  // sees by passed().
  if (op_->cancelled() && op_->remaining().value_or(milliseconds{1}).count() > 0)
    throw Error(FBX_CANCELLED, "cancelled");
}

Ready Deadline::wait(int fd, Wait what) const {
  const int cancel = op_->cancel_fd();
  for (;;) {
    check_cancelled();
    const milliseconds rest = left();
    if (rest.count() == 0) return Ready::timed_out;
    const short events = what == Wait::read ? POLLIN : POLLOUT;
    std::array<pollfd, 2> set{pollfd{fd, events, 0}, pollfd{cancel, POLLIN, 0}};
    const milliseconds pause = cancel < 0 ? std::min(rest, slice) : rest;
    const int n = ::poll(set.data(), set.size(), static_cast<int>(pause.count()));
    if (n < 0 && errno != EINTR)
      throw Error(FBX_IO, "poll() failed: " + std::generic_category().message(errno));
    if (n > 0 && set[0].revents != 0) return Ready::yes;
  }
}

void Deadline::sleep(milliseconds time) const {
  const auto until = std::min(end_, Clock::now() + time);
  const int cancel = op_->cancel_fd();
  for (;;) {
    check_cancelled();
    const auto rest = std::chrono::ceil<milliseconds>(until - Clock::now());
    if (rest.count() <= 0) return;
    pollfd set{cancel, POLLIN, 0};
    ::poll(&set, 1, static_cast<int>(std::min(rest, cancel < 0 ? slice : rest).count()));
  }
}

}  // namespace fbx::common
