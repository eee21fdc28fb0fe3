// SPDX-License-Identifier: Apache-2.0
// For logs and pipes: one line per event, each with its time. No colours, no cursor movement.
#pragma once

#include "report/output.hpp"
#include "report/reporter.hpp"
#include "report/run_view.hpp"

#include <chrono>
#include <map>
#include <string>
#include <string_view>

namespace fusebox::report {

class Plain : public Reporter {
 public:
  explicit Plain(const ReporterOptions& options);
  void on_event(const Event& event) override;

 private:
  void step_event(const Event& event, const StepView& step);
  void finished(const StepView& step);
  void undo_finished(const StepView& step);
  void log(const Event& event, const StepView& step);
  void progress(const Event& event, const StepView& step);
  void line(std::string_view subject, std::string_view text);

  Output output_;
  ViewOptions view_options_;
  RunView view_;
  std::string time_;  // of the event at hand
  std::map<std::string, std::chrono::system_clock::time_point> progress_told_;
};

}  // namespace fusebox::report
