// SPDX-License-Identifier: Apache-2.0
#include "plan/task.hpp"

#include <condition_variable>
#include <mutex>

namespace fusebox::plan {

struct Task::State {
  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  bool done = false;
  boost::json::object result;
  std::exception_ptr error;
};

Task::Task(Body body, std::function<void()> on_end)
    : state_(std::make_shared<State>()),
      thread_([state = state_, body = std::move(body), on_end = std::move(on_end)]() mutable {
        boost::json::object result;
        std::exception_ptr error;
        try {
          result = body();
        } catch (...) {
          error = std::current_exception();
        }
        body = nullptr;  // what it shares may go as soon as the result is there
        {
          const std::lock_guard lock(state->mutex);
          state->result = std::move(result);
          state->error = error;
          state->done = true;
        }
        state->changed.notify_all();
        if (on_end) on_end();
      }) {}

Task::~Task() {
  if (!thread_.joinable()) return;
  if (done())
    thread_.join();
  else
    thread_.detach();
}

bool Task::done() const {
  const std::lock_guard lock(state_->mutex);
  return state_->done;
}

bool Task::wait_until(std::chrono::steady_clock::time_point time) const {
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_until(lock, time, [this] { return state_->done; });
}

boost::json::object Task::take() {
  const std::lock_guard lock(state_->mutex);
  if (state_->error) std::rethrow_exception(state_->error);
  return std::move(state_->result);
}

}  // namespace fusebox::plan
