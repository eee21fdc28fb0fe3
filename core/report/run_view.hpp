// SPDX-License-Identifier: Apache-2.0
// Where a run stands, by the events so far. What the reporters for people share.
#pragma once

#include "report/event.hpp"
#include "report/result_view.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::report {

enum class StepPhase {
  waiting,
  running,
  ok,
  warned,
  failed,
  skipped,
  cancelled,
  undoing,
  undone,
  undo_failed
};

// All texts are fit for a terminal.
struct StepView {
  std::string label;
  StepPhase phase = StepPhase::waiting;
  bool failed = false;                          // stays so when it is undone
  std::chrono::steady_clock::time_point since;  // when it, or its undo, started
  std::chrono::milliseconds duration{0};        // once finished
  std::int64_t done = 0;
  std::int64_t total = 0;
  std::string unit;
  std::string doing;             // what it says it is at: of its progress or its newest log line
  std::deque<std::string> tail;  // its newest log lines
  std::string outcome;           // as the event spells it
  std::string what;              // its result's headline, or what went wrong
  std::string hint;
  std::string undo_error;
  std::string undo_hint;
  boost::json::object result;
};

class RunView {
 public:
  // Returns the step that the event is about; nullptr: none.
  StepView* apply(const Event& event);

  const std::string& phase() const { return phase_; }
  const std::vector<StepView>& steps() const { return steps_; }
  std::size_t label_width() const { return label_width_; }
  std::size_t count(StepPhase phase) const;

 private:
  StepView& step(std::string_view label);
  void start(const boost::json::object& data);

  std::string phase_ = "run";
  std::vector<StepView> steps_;
  std::size_t label_width_ = 0;
};

// The end of a run: how it ended, what became of the undo, and last each step that failed, why, and
// what to do.
std::vector<Line> closing_lines(const RunView& view, const boost::json::object& run_finished,
                                const ViewOptions& options);

}  // namespace fusebox::report
