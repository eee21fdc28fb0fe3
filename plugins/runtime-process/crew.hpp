// SPDX-License-Identifier: Apache-2.0
// Work on several services at once, in the order that their dependencies leave.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <fusebox/plugin.hpp>
#include <mutex>
#include <string>
#include <vector>

namespace runtime_process {

class Crew;

struct Task {
  std::string name;
  std::vector<std::string> after;  // names of tasks; those that are not in the list do not count
  std::function<void(Crew&)> work;
};

// Runs each task on a thread of its own as soon as those before it are done. The first failure
// stops the others, and is thrown once all have ended.
class Crew {
 public:
  // [op-thread] `op` outlives the crew.
  explicit Crew(const fbx::Op& op) : op_(op) {}
  void run(std::vector<Task> tasks);

  // For tasks: puts `json` into the journal. The host takes checkpoints only on the op's own
  // thread, so this hands it over and waits. Throws what the host throws.
  void checkpoint(std::string json);

  // Turns true when a task has failed.
  const std::atomic<bool>& stopping() const { return stopping_; }

 private:
  struct Errand {
    std::string json;
    bool done = false;
    std::exception_ptr error;
  };
  void work(const Task& task);
  void serve(std::unique_lock<std::mutex>& lock);

  const fbx::Op& op_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Errand*> errands_;
  std::vector<std::string> done_;
  std::size_t running_ = 0;
  std::exception_ptr failure_;
  std::atomic<bool> stopping_{false};
};

}  // namespace runtime_process
