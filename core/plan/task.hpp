// SPDX-License-Identifier: Apache-2.0
// A call on a thread of its own, that can be left behind when it does not come back.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <thread>

namespace fusebox::plan {

// The body must own, or share, all that it touches: once left behind it runs on until the process
// ends. Destroying a task that has not ended leaves it behind.
class Task {
 public:
  using Body = std::function<boost::json::object()>;

  // `on_end` is called on the task's thread after done() turned true; it may be empty.
  explicit Task(Body body, std::function<void()> on_end = {});
  ~Task();
  Task(Task&&) noexcept = default;
  Task& operator=(Task&&) = delete;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  bool done() const;
  // False when the time came first.
  bool wait_until(std::chrono::steady_clock::time_point time) const;
  // What the body returned, or throws what it threw. Once, and only when done.
  boost::json::object take();

 private:
  struct State;
  std::shared_ptr<State> state_;
  std::thread thread_;
};

}  // namespace fusebox::plan
