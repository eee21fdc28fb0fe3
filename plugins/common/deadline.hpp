// SPDX-License-Identifier: Apache-2.0
// Waiting that ends: by the deadline, or within milliseconds of the operator's cancel.
#pragma once

#include <chrono>
#include <fusebox/plugin.hpp>

namespace fbx::common {

enum class Ready { yes, timed_out };
enum class Wait { read, write };

// A point in time at which to give up, tied to the op that may be cancelled before.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  // `most` from now, but no later than a little before the op's own deadline: an answer that says
  // "timed out" is better than none.
  Deadline(const Op& op, std::chrono::milliseconds most);

  std::chrono::milliseconds left() const;  // never negative
  bool passed() const { return left().count() == 0; }
  std::chrono::milliseconds span() const { return span_; }  // from construction to the end
  const Op& op() const { return *op_; }

  // Until `fd` can be read or written, or the deadline. Throws Error{FBX_CANCELLED} when the
  // operator cancels.
  Ready wait(int fd, Wait what) const;

  // Sleeps `time`, or until the deadline. Throws likewise.
  void sleep(std::chrono::milliseconds time) const;

  // Throws Error{FBX_CANCELLED} when the operator has cancelled.
  void check_cancelled() const;

 private:
  const Op* op_;
  std::chrono::milliseconds span_;
  Clock::time_point end_;
};

// Measures from its construction.
class Stopwatch {
 public:
  double ms() const {
    return std::chrono::duration<double, std::milli>(Deadline::Clock::now() - start_).count();
  }

 private:
  Deadline::Clock::time_point start_ = Deadline::Clock::now();
};

}  // namespace fbx::common
