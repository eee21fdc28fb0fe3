// SPDX-License-Identifier: Apache-2.0
// One step's plugin being made ready, its run() or its undo() in flight, with its retries, deadline
// and cancellation.
#pragma once

#include "plan/step_caller.hpp"
#include "plan/task.hpp"
#include "run/executor.hpp"
#include "util/fd.hpp"

#include <boost/json/object.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace fusebox::run {

using Clock = std::chrono::steady_clock;

// Lets one thread sleep until flights end, the operator wishes something, or a time comes.
class Waker {
 public:
  Waker();
  // Any thread.
  void wake() const noexcept;
  // Returns at `until` at the latest; clears earlier wakes.
  void wait(const Signals* signals, bool watch_cancel, Clock::time_point until) const;

 private:
  util::Pipe pipe_;
};

// What a flight may tell while it is in the air. Called from its thread, never after leave().
struct FlightEvents {
  std::function<void(plugin::LogLevel, std::string_view)> log;
  std::function<void(const plugin::Progress&)> progress;
  std::function<void(const boost::json::object&)> checkpoint;  // empty: outside a run
  std::function<void(int attempt, std::chrono::milliseconds pause, const Failure&)> retrying;
};

struct FlightPlan {
  enum class Call { prepare, run, undo };
  Call call = Call::run;
  std::string label;
  std::string instance;
  boost::json::object request;
  std::chrono::milliseconds timeout{0};
  int retries = 0;
};

// Why a flight was told to end.
enum class Stop { none, deadline, operator_wish, other_failure };

struct FlightResult {
  std::optional<boost::json::object> result;
  std::optional<Failure> failure;
  std::chrono::milliseconds duration{0};
  bool abandoned = false;
};

// `caller` outlives the flight's thread, also when it was left behind.
class Flight {
 public:
  Flight(plan::StepCaller& caller, FlightPlan plan, FlightEvents events, const Timings& timings,
         std::shared_ptr<Waker> waker);

  bool done() const;
  Stop stopping() const { return stop_; }
  // Asks it to end; the grace begins. The first reason stays.
  void stop(Stop why);
  // When the next thing is due: the end of a late flight's patience, or of the grace.
  Clock::time_point due() const;
  // Does what is due at `now`: asks a late flight to end; leaves one whose grace is over. False
  // once it is left behind.
  bool tick(Clock::time_point now);
  // Stops waiting: nothing that it says or does counts from now on.
  void leave();
  bool left() const { return left_; }

  // Once, when done() or left().
  FlightResult take();

 private:
  struct Shared;
  static boost::json::object fly(Shared& shared);

  Failure abandoned_failure() const;

  Clock::time_point begun_;
  Clock::time_point deadline_;
  // A step that heeds its deadline gets the time to say what it waited for.
  Clock::time_point cancel_at_;
  std::chrono::milliseconds grace_;
  Clock::time_point give_up_;
  std::shared_ptr<Shared> shared_;
  Stop stop_ = Stop::none;
  bool left_ = false;
  plan::Task task_;
};

}  // namespace fusebox::run
