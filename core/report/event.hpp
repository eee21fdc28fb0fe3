// SPDX-License-Identifier: Apache-2.0
// What happens in a run, as reporters, `--json` and observers see it. docs/JSON.md is its
// reference.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <string>

namespace fusebox::report {

enum class EventType {
  run_started,    // phase, stack, run, steps: [["a.b"],["c.d","e.f"]]
  step_started,   // step, index, group
  step_log,       // step, level, line
  step_progress,  // step, done, total, unit, what
  step_retrying,  // step, attempt, in_ms, error
  step_finished,  // step, outcome: ok|failed|skipped|cancelled|timeout, duration_ms, result, error
  undo_started,   // step
  undo_finished,  // step, outcome, error
  run_finished,   // run, phase, outcome, exit_code, duration_ms, error, not_undone
};

// "run_started", ... as JSON spells it.
std::string_view to_string(EventType type);

struct Event {
  EventType type;
  std::chrono::system_clock::time_point time;
  boost::json::object data;  // redacted already
};

// Told of every event, from any thread, one call at a time.
class Reporter {
 public:
  virtual ~Reporter() = default;
  virtual void on_event(const Event& event) = 0;
};

}  // namespace fusebox::report
