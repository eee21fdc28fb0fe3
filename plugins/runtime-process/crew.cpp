// SPDX-License-Identifier: Apache-2.0
#include "crew.hpp"

#include <algorithm>
#include <thread>

namespace runtime_process {

void Crew::run(std::vector<Task> tasks) {
  std::vector<std::thread> threads;
  std::vector<const Task*> waiting;
  for (const Task& task : tasks) waiting.push_back(&task);
  const auto is_waiting_or_running = [&](const std::string& name) {
    const bool listed = std::any_of(tasks.begin(), tasks.end(),
                                    [&](const Task& task) { return task.name == name; });
    return listed && std::find(done_.begin(), done_.end(), name) == done_.end();
  };
  std::unique_lock lock(mutex_);
  for (;;) {
    for (auto task = waiting.begin(); task != waiting.end() && !stopping_;) {
      const auto& after = (*task)->after;
      if (std::any_of(after.begin(), after.end(), is_waiting_or_running)) {
        ++task;
        continue;
      }
      ++running_;
      threads.emplace_back([this, next = *task] { work(*next); });
      task = waiting.erase(task);
    }
    if (running_ == 0) break;
    changed_.wait(lock);
    serve(lock);
  }
  lock.unlock();
  for (std::thread& thread : threads) thread.join();
  if (failure_) std::rethrow_exception(failure_);
}

void Crew::work(const Task& task) {
  std::exception_ptr error;
  try {
    task.work(*this);
  } catch (...) {
    error = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  if (error && !failure_) failure_ = error;
  if (error)
    stopping_ = true;
  else
    done_.push_back(task.name);
  --running_;
  changed_.notify_all();
}

void Crew::checkpoint(std::string json) {
  Errand errand{std::move(json), false, nullptr};
  std::unique_lock lock(mutex_);
  errands_.push_back(&errand);
  changed_.notify_all();
  changed_.wait(lock, [&] { return errand.done; });
  if (errand.error) std::rethrow_exception(errand.error);
}

void Crew::serve(std::unique_lock<std::mutex>& lock) {
  while (!errands_.empty()) {
    Errand& errand = *errands_.front();
    errands_.pop_front();
    lock.unlock();
    try {
      op_.checkpoint(errand.json);
    } catch (...) {
      errand.error = std::current_exception();
    }
    lock.lock();
    errand.done = true;
    changed_.notify_all();
  }
}

}  // namespace runtime_process
