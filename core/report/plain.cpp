// SPDX-License-Identifier: Apache-2.0
#include "report/plain.hpp"

#include "report/fields.hpp"
#include "util/clock.hpp"
#include "util/text.hpp"

#include <fmt/format.h>

namespace fusebox::report {

namespace {

// Often enough to show life in a log that someone follows.
constexpr std::chrono::seconds progress_interval{10};

Detail detail_of(const ReporterOptions& options) {
  return options.quiet ? Detail::quiet : options.verbose ? Detail::verbose : Detail::normal;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(' ');
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin);
}

std::string ended(const StepView& step) {
  const std::string took = util::human_duration(step.duration);
  const std::string what = step.what.empty() ? "" : ": " + step.what;
  if (step.outcome == "skipped") return fmt::format("skipped{}", what);
  if (step.outcome == "cancelled") return fmt::format("cancelled after {}{}", took, what);
  if (step.outcome == "timeout") return fmt::format("TIMEOUT after {}{}", took, what);
  if (step.failed) return fmt::format("FAILED after {}{}", took, what);
  return fmt::format("{} in {}{}", step.phase == StepPhase::warned ? "warning" : "ok", took, what);
}

}  // namespace

Plain::Plain(const ReporterOptions& options) : output_(options.out_fd) {
  view_options_.detail = detail_of(options);
  view_options_.style.unicode = false;
}

void Plain::line(std::string_view subject, std::string_view text) {
  output_.write(fmt::format("{} {}: {}\n", time_, subject, text));
}

void Plain::on_event(const Event& event) {
  time_ = util::rfc3339(std::chrono::floor<std::chrono::seconds>(event.time));
  time_.replace(time_.find('.'), std::string::npos, "Z");
  const StepView* step = view_.apply(event);
  if (step != nullptr) {
    step_event(event, *step);
  } else if (event.type == EventType::run_started) {
    if (view_options_.detail != Detail::quiet)
      line(view_.phase(), fmt::format("started, {}, run {}", counted(view_.steps().size(), "step"),
                                      text_of(event.data, "run")));
  } else if (view_options_.detail != Detail::quiet || number_of(event.data, "exit_code") != 0) {
    for (const Line& closing : closing_lines(view_, event.data, view_options_))
      output_.write(fmt::format("{} {}\n", time_, paint(closing, view_options_.style)));
  }
}

void Plain::step_event(const Event& event, const StepView& step) {
  const bool quiet = view_options_.detail == Detail::quiet;
  switch (event.type) {
    case EventType::step_started:
      if (!quiet) line(step.label, "started");
      break;
    case EventType::step_log:
      log(event, step);
      break;
    case EventType::step_progress:
      progress(event, step);
      break;
    case EventType::step_retrying:
      if (!quiet)
        line(step.label,
             fmt::format(
                 "attempt {} failed: {}; trying again in {}", number_of(event.data, "attempt"),
                 step.doing,
                 util::human_duration(std::chrono::milliseconds(number_of(event.data, "in_ms")))));
      break;
    case EventType::step_finished:
      finished(step);
      break;
    case EventType::undo_started:
      if (!quiet) line(step.label, "undoing");
      break;
    case EventType::undo_finished:
      undo_finished(step);
      break;
    case EventType::run_started:
    case EventType::run_finished:
      break;
  }
}

void Plain::finished(const StepView& step) {
  if (view_options_.detail == Detail::quiet && !step.failed) return;
  line(step.label, ended(step));
  for (const Line& detail : result_lines(step.result, view_options_))
    line(step.label, trimmed(paint(detail, view_options_.style)));
  if (!step.failed) return;
  if (view_options_.detail != Detail::verbose)
    for (const std::string& last : step.tail) line(step.label, "| " + last);
  if (!step.hint.empty() && !is_remedy_of_finding(step.result, step.hint))
    line(step.label, "-> " + step.hint);
}

void Plain::undo_finished(const StepView& step) {
  if (step.phase == StepPhase::undo_failed)
    line(step.label, fmt::format("UNDO FAILED after {}: {}", util::human_duration(step.duration),
                                 step.undo_error));
  else if (view_options_.detail != Detail::quiet)
    line(step.label, fmt::format("undone in {}", util::human_duration(step.duration)));
}

void Plain::log(const Event& event, const StepView& step) {
  const std::string level = text_of(event.data, "level");
  const bool serious = level == "warn" || level == "error";
  if (view_options_.detail == Detail::quiet ? level != "error"
                                            : !serious && view_options_.detail == Detail::normal)
    return;
  line(step.label, fmt::format("| {}{}", serious ? level + ": " : "", text_of(event.data, "line")));
}

void Plain::progress(const Event& event, const StepView& step) {
  if (view_options_.detail == Detail::quiet) return;
  const auto [told, first] = progress_told_.try_emplace(step.label, event.time);
  if (first || event.time - told->second < progress_interval) return;
  told->second = event.time;
  std::string text = quantity(static_cast<double>(step.done), step.unit);
  if (step.total > 0)
    text = fmt::format("{} of {}", text, quantity(static_cast<double>(step.total), step.unit));
  line(step.label, step.doing.empty() ? text : fmt::format("{}: {}", step.doing, text));
}

}  // namespace fusebox::report
