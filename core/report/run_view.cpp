// SPDX-License-Identifier: Apache-2.0
#include "report/run_view.hpp"

#include "report/fields.hpp"
#include "util/text.hpp"

#include <algorithm>

namespace fusebox::report {

namespace json = boost::json;

namespace {

constexpr std::size_t tail_length = 10;
constexpr std::size_t widest_label = 40;

void log(StepView& step, const json::object& data) {
  if (text_of(data, "level") == "debug") return;
  std::string line = text_of(data, "line");
  if (line.empty()) return;
  step.doing = line;
  step.tail.push_back(std::move(line));
  if (step.tail.size() > tail_length) step.tail.pop_front();
}

void progress(StepView& step, const json::object& data) {
  step.done = number_of(data, "done");
  step.total = number_of(data, "total");
  step.unit = text_of(data, "unit");
  if (std::string what = text_of(data, "what"); !what.empty()) step.doing = std::move(what);
}

StepPhase phase_after(const StepView& step) {
  if (step.outcome == "skipped") return StepPhase::skipped;
  if (step.outcome == "cancelled") return StepPhase::cancelled;
  if (step.outcome != "ok") return StepPhase::failed;
  switch (judge(step.result)) {
    case Judgement::good:
      return StepPhase::ok;
    case Judgement::warn:
      return StepPhase::warned;
    case Judgement::bad:
      return StepPhase::failed;
  }
  return StepPhase::ok;
}

// The first error's remedy, else the first warning's.
std::string remedy_of(const json::object& result) {
  std::string remedy;
  for (const json::value& item : array_of(result, "findings")) {
    if (!item.is_object()) continue;
    const json::object& finding = item.get_object();
    if (text_of(finding, "severity") == "error") return text_of(finding, "remedy");
    if (remedy.empty()) remedy = text_of(finding, "remedy");
  }
  return remedy;
}

void finish(StepView& step, const json::object& data) {
  step.outcome = text_of(data, "outcome");
  step.duration = std::chrono::milliseconds(number_of(data, "duration_ms"));
  step.result = object_of(data, "result");
  step.phase = phase_after(step);
  step.failed = step.phase == StepPhase::failed;
  const json::object& error = object_of(data, "error");
  step.what = text_of(error, "what");
  step.hint = text_of(error, "hint");
  if (step.what.empty()) step.what = headline(step.result);
  if (step.hint.empty() && step.failed) step.hint = remedy_of(step.result);
}

}  // namespace

StepView& RunView::step(std::string_view label) {
  const auto it = std::find_if(steps_.begin(), steps_.end(),
                               [&](const StepView& view) { return view.label == label; });
  if (it != steps_.end()) return *it;
  StepView view;
  view.label = label;
  label_width_ = std::min(widest_label, std::max(label_width_, util::display_width(view.label)));
  steps_.push_back(std::move(view));
  return steps_.back();
}

void RunView::start(const json::object& data) {
  *this = RunView();
  phase_ = text_of(data, "phase");
  for (const json::value& group : array_of(data, "steps")) {
    if (!group.is_array()) continue;
    for (const json::value& label : group.get_array())
      if (label.is_string()) step(util::sanitize_line(label.get_string()));
  }
}

StepView* RunView::apply(const Event& event) {
  if (event.type == EventType::run_started) start(event.data);
  // After a crash another process goes on with the run, and its reporter saw no beginning.
  if (event.type == EventType::run_finished && phase_.empty())
    phase_ = text_of(event.data, "phase");
  if (event.type == EventType::run_started || event.type == EventType::run_finished) return nullptr;
  StepView& view = step(text_of(event.data, "step"));
  switch (event.type) {
    case EventType::step_started:
      view.phase = StepPhase::running;
      view.since = std::chrono::steady_clock::now();
      break;
    case EventType::step_log:
      log(view, event.data);
      break;
    case EventType::step_progress:
      progress(view, event.data);
      break;
    case EventType::step_retrying:
      view.doing = text_of(object_of(event.data, "error"), "what");
      break;
    case EventType::step_finished:
      finish(view, event.data);
      break;
    case EventType::undo_started:
      view.phase = StepPhase::undoing;
      view.since = std::chrono::steady_clock::now();
      view.total = view.done = 0;
      view.doing.clear();
      break;
    case EventType::undo_finished:
      view.duration = std::chrono::milliseconds(number_of(event.data, "duration_ms"));
      view.phase =
          text_of(event.data, "outcome") == "ok" ? StepPhase::undone : StepPhase::undo_failed;
      view.undo_error = text_of(object_of(event.data, "error"), "what");
      view.undo_hint = text_of(object_of(event.data, "error"), "hint");
      break;
    case EventType::run_started:
    case EventType::run_finished:
      break;
  }
  return &view;
}

std::size_t RunView::count(StepPhase phase) const {
  return static_cast<std::size_t>(std::count_if(
      steps_.begin(), steps_.end(), [&](const StepView& view) { return view.phase == phase; }));
}

}  // namespace fusebox::report
