// SPDX-License-Identifier: Apache-2.0
#include "report/console.hpp"

#include "report/fields.hpp"
#include "util/clock.hpp"
#include "util/terminal.hpp"
#include "util/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fusebox::report {

namespace {

constexpr std::chrono::milliseconds frame_time{100};
constexpr std::size_t bar_width = 16;
constexpr std::size_t duration_width = 6;

bool moves(StepPhase phase) { return phase == StepPhase::running || phase == StepPhase::undoing; }

std::string spaces(std::size_t count) { return std::string(count, ' '); }

}  // namespace

Console::Console(const ReporterOptions& options)
    : output_(options.out_fd), live_(!options.quiet && util::can_redraw(options.out_fd)) {
  options_.style = Style::of(options.out_fd);
  if (options.no_color) options_.style.colour = false;
  options_.detail = options.quiet     ? Detail::quiet
                    : options.verbose ? Detail::verbose
                                      : Detail::normal;
  options_.width = util::terminal_width(options.out_fd);
}

Console::~Console() {
  {
    const std::lock_guard guard(mutex_);
    end();
    leaving_ = true;
  }
  wake_.notify_all();
  if (ticker_.joinable()) ticker_.join();
}

void Console::begin() {
  if (!live_ || running_) return;
  running_ = true;
  cursor_ = std::make_unique<util::HiddenCursor>(output_.fd());
  if (!ticker_.joinable()) ticker_ = std::thread([this] { tick(); });
  wake_.notify_all();
}

void Console::end() {
  if (!running_) return;
  running_ = false;
  output_.write(erased());
  drawn_.clear();
  cursor_.reset();
}

void Console::tick() {
  std::unique_lock lock(mutex_);
  while (!leaving_) {
    if (!running_) {
      wake_.wait(lock, [this] { return running_ || leaving_; });
    } else if (!wake_.wait_for(lock, frame_time, [this] { return leaving_; }) && running_) {
      ++frame_;
      draw({});
    }
  }
}

void Console::on_event(const Event& event) {
  const std::lock_guard guard(mutex_);
  options_.width = util::terminal_width(output_.fd());
  const StepView* step = view_.apply(event);
  if (event.type == EventType::run_finished)
    end();
  else
    begin();
  // Progress comes in floods; the next frame shows it.
  if (event.type != EventType::step_progress) draw(lines_for(event, step));
}

std::string Console::erased() const {
  if (drawn_.empty()) return {};
  // A terminal that became narrower has wrapped what was drawn before.
  std::size_t rows = 0;
  for (const std::size_t width : drawn_)
    rows += std::max<std::size_t>(1, (width + options_.width - 1) / options_.width);
  return fmt::format("\x1b[{}A\r\x1b[J", rows);
}

void Console::draw(const std::vector<Line>& lines) {
  options_.width = util::terminal_width(output_.fd());
  std::string bytes = erased();
  for (const Line& line : lines) bytes += paint(line, options_.style) + "\n";
  drawn_.clear();
  // The last column is left free: some terminals wrap when it is written.
  const std::size_t width = std::max<std::size_t>(options_.width, 2) - 1;
  for (const Line& line : moving_part()) {
    bytes += paint(line, options_.style, width) + "\n";
    drawn_.push_back(std::min(width_of(line), width));
  }
  if (!bytes.empty()) output_.write(bytes);
}

std::vector<Line> Console::moving_part() const {
  if (!running_) return {};
  const std::size_t height = util::terminal_height(output_.fd());
  const std::size_t room = height > 4 ? height - 3 : 1;
  std::vector<Line> lines;
  std::size_t hidden = 0;
  std::vector<std::string> waiting;
  for (const StepView& step : view_.steps()) {
    if (step.phase == StepPhase::waiting) waiting.push_back(step.label);
    if (!moves(step.phase)) continue;
    if (lines.size() < room)
      lines.push_back(running_line(step));
    else
      ++hidden;
  }
  if (hidden > 0) lines.push_back({{Tone::faint, fmt::format("  and {} more", hidden)}});
  if (!waiting.empty()) {
    const std::size_t all = view_.steps().size();
    lines.push_back({{Tone::faint, fmt::format("  {} of {} to go, next: {}", waiting.size(), all,
                                               waiting.front())}});
  }
  return lines;
}

Line Console::step_lead(Tone tone, std::string_view sign, const StepView& step) const {
  return {{tone, std::string(sign)},
          {Tone::plain, " " + util::pad_right(step.label, view_.label_width()) + "  "}};
}

std::string Console::progress_text(const StepView& step) const {
  const auto done = static_cast<double>(step.done);
  if (step.total <= 0) return step.done > 0 ? quantity(done, step.unit) + "  " : "";
  const auto total = static_cast<double>(step.total);
  const double part = std::clamp(done / total, 0.0, 1.0);
  const auto full = static_cast<std::size_t>(part * static_cast<double>(bar_width));
  std::string bar;
  for (std::size_t i = 0; i < bar_width; ++i)
    bar += i < full ? options_.style.glyphs().bar_full : options_.style.glyphs().bar_empty;
  return fmt::format("{} {:3.0f}%  {} of {}  ", bar, part * 100, quantity(done, step.unit),
                     quantity(total, step.unit));
}

Line Console::running_line(const StepView& step) const {
  const auto& spinner = options_.style.glyphs().spinner;
  const bool undoing = step.phase == StepPhase::undoing;
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - step.since);
  // Tenths that race by tell nothing.
  const auto shown = std::chrono::floor<std::chrono::seconds>(elapsed);
  Line line =
      step_lead(undoing ? Tone::warn : Tone::accent, spinner[frame_ % spinner.size()], step);
  line.push_back({Tone::faint, util::pad_left(shown.count() < 60 ? fmt::format("{}s", shown.count())
                                                                 : util::human_duration(shown),
                                              duration_width) +
                                   "  "});
  if (undoing) line.push_back({Tone::warn, "undoing  "});
  line.push_back({Tone::accent, progress_text(step)});
  line.push_back({Tone::faint, step.doing});
  return line;
}

std::vector<Line> Console::lines_for(const Event& event, const StepView* step) const {
  const bool quiet = options_.detail == Detail::quiet;
  switch (event.type) {
    case EventType::step_log:
      return log_lines(event, *step);
    case EventType::step_finished:
      return finished_lines(*step);
    case EventType::undo_finished:
      return undone_lines(*step);
    case EventType::step_retrying: {
      if (quiet) return {};
      const auto pause = std::chrono::milliseconds(number_of(event.data, "in_ms"));
      const std::string text =
          fmt::format("attempt {} failed: {}; trying again in {}", number_of(event.data, "attempt"),
                      step->doing, util::human_duration(pause));
      return wrapped(step_lead(Tone::warn, options_.style.glyphs().warn, *step), Tone::faint, text,
                     options_.width);
    }
    case EventType::run_finished:
      if (quiet && number_of(event.data, "exit_code") == 0) return {};
      return closing_lines(view_, event.data, options_);
    case EventType::run_started:
    case EventType::step_started:
    case EventType::step_progress:
    case EventType::undo_started:
      break;
  }
  return {};
}

std::vector<Line> Console::finished_lines(const StepView& step) const {
  if (options_.detail == Detail::quiet && !step.failed) return {};
  const Glyphs& glyphs = options_.style.glyphs();
  Line lead;
  Tone tone = Tone::plain;
  switch (step.phase) {
    case StepPhase::ok:
      lead = step_lead(Tone::good, glyphs.good, step);
      break;
    case StepPhase::warned:
      lead = step_lead(Tone::warn, glyphs.warn, step);
      break;
    case StepPhase::skipped:
      lead = step_lead(Tone::faint, glyphs.skipped, step);
      tone = Tone::faint;
      break;
    case StepPhase::cancelled:
      lead = step_lead(Tone::warn, glyphs.warn, step);
      break;
    default:
      lead = step_lead(Tone::bad, glyphs.bad, step);
      tone = Tone::bad;
      break;
  }
  const std::string took =
      step.phase == StepPhase::skipped ? "" : util::human_duration(step.duration);
  lead.push_back({Tone::faint, util::pad_left(took, duration_width) + "  "});
  const std::string text = step.phase == StepPhase::skipped && step.what.empty() ? "skipped"
                           : step.outcome == "timeout" ? "timeout: " + step.what
                                                       : step.what;
  std::vector<Line> lines = wrapped(lead, tone, text, options_.width);
  for (Line& line : result_lines(step.result, options_)) lines.push_back(std::move(line));
  if (!step.failed) return lines;
  if (options_.detail != Detail::verbose)
    for (const std::string& last : step.tail)
      for (Line& line : wrapped({{Tone::faint, "    | "}}, Tone::faint, last, options_.width))
        lines.push_back(std::move(line));
  return lines;
}

std::vector<Line> Console::undone_lines(const StepView& step) const {
  const Glyphs& glyphs = options_.style.glyphs();
  const bool failed = step.phase == StepPhase::undo_failed;
  if (options_.detail == Detail::quiet && !failed) return {};
  Line lead = step_lead(failed ? Tone::bad : Tone::warn, failed ? glyphs.bad : glyphs.undone, step);
  lead.push_back(
      {Tone::faint, util::pad_left(util::human_duration(step.duration), duration_width) + "  "});
  return wrapped(lead, failed ? Tone::bad : Tone::plain,
                 failed ? "UNDO FAILED: " + step.undo_error : "undone", options_.width);
}

std::vector<Line> Console::log_lines(const Event& event, const StepView& step) const {
  const std::string level = text_of(event.data, "level");
  const bool serious = level == "warn" || level == "error";
  if (options_.detail == Detail::quiet ? level != "error"
                                       : !serious && options_.detail == Detail::normal)
    return {};
  const Line lead{
      {Tone::faint, spaces(2) + util::pad_right(step.label, view_.label_width()) + "  | "}};
  return wrapped(lead,
                 level == "error" ? Tone::bad
                 : serious        ? Tone::warn
                                  : Tone::faint,
                 text_of(event.data, "line"), options_.width);
}

}  // namespace fusebox::report
