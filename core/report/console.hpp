// SPDX-License-Identifier: Apache-2.0
// The live view: finished steps scroll away above, running ones move at the bottom.
#pragma once

#include "report/output.hpp"
#include "report/reporter.hpp"
#include "report/run_view.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace fusebox::util {
class HiddenCursor;
}

namespace fusebox::report {

// For a terminal. In quiet it draws nothing that moves, and shows what went wrong alone.
class Console : public Reporter {
 public:
  explicit Console(const ReporterOptions& options);
  // Leaves what was reported, takes the moving part away, shows the cursor.
  ~Console() override;
  void on_event(const Event& event) override;

 private:
  void begin();
  void end();
  void tick();
  // Puts `lines` above the moving part, and draws that again.
  void draw(const std::vector<Line>& lines);
  std::string erased() const;
  std::vector<Line> moving_part() const;
  Line running_line(const StepView& step) const;
  std::string progress_text(const StepView& step) const;
  std::vector<Line> lines_for(const Event& event, const StepView* step) const;
  std::vector<Line> finished_lines(const StepView& step) const;
  std::vector<Line> undone_lines(const StepView& step) const;
  std::vector<Line> log_lines(const Event& event, const StepView& step) const;
  Line step_lead(Tone tone, std::string_view sign, const StepView& step) const;

  Output output_;
  ViewOptions options_;
  bool live_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool running_ = false;  // between a run's start and its end
  bool leaving_ = false;
  RunView view_;
  std::vector<std::size_t> drawn_;  // the widths of the moving part's lines
  std::size_t frame_ = 0;
  std::unique_ptr<util::HiddenCursor> cursor_;
  std::thread ticker_;
};

}  // namespace fusebox::report
