// SPDX-License-Identifier: Apache-2.0
#include "report/fields.hpp"
#include "report/run_view.hpp"
#include "util/clock.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fusebox::report {

namespace json = boost::json;

namespace {

struct Ending {
  Tone tone;
  std::string_view sign;
  std::string_view words;  // between the phase and the time
};

Ending ending_of(const std::string& outcome, std::int64_t exit_code, const Glyphs& glyphs) {
  if (outcome == "ok") return {Tone::good, glyphs.good, "done in"};
  if (outcome == "forgotten") return {Tone::warn, glyphs.warn, "was closed as it stands, after"};
  // What `recover` was asked for.
  if (outcome == "undone" && exit_code == 0)
    return {Tone::good, glyphs.undone, "was undone, after"};
  if (outcome == "undone") return {Tone::bad, glyphs.bad, "failed and was undone, after"};
  if (outcome == "undo_failed") return {Tone::bad, glyphs.bad, "failed and UNDO FAILED, after"};
  if (outcome == "cancelled") return {Tone::warn, glyphs.warn, "was interrupted after"};
  if (outcome == "unhealthy") return {Tone::bad, glyphs.bad, "is not healthy, after"};
  if (outcome == "findings") return {Tone::bad, glyphs.bad, "has findings, after"};
  if (outcome == "skipped") return {Tone::warn, glyphs.skipped, "was skipped in part, in"};
  return {Tone::bad, glyphs.bad, "failed after"};
}

// " · 8 steps, 1 skipped, 2 with warnings"
std::string tally(const RunView& view) {
  std::string text = counted(view.steps().size(), "step");
  const auto add = [&](StepPhase phase, std::string_view name) {
    if (const std::size_t count = view.count(phase); count > 0)
      text += fmt::format(", {} {}", count, name);
  };
  add(StepPhase::skipped, "skipped");
  add(StepPhase::warned, "with warnings");
  add(StepPhase::waiting, "not run");
  return text;
}

// Adds lines, wrapped, under signs.
class Block {
 public:
  explicit Block(const ViewOptions& options) : options_(options) {}
  void add(Tone tone, std::string_view sign, Tone text_tone, const std::string& text) {
    const Line lead{{tone, std::string(sign)}, {Tone::plain, " "}};
    for (Line& line : wrapped(lead, text_tone, text, options_.width))
      lines_.push_back(std::move(line));
  }
  void hint(const std::string& text) {
    if (text.empty()) return;
    add(Tone::accent, options_.style.glyphs().arrow, Tone::strong, text);
    last_hint_ = text;
  }
  const std::string& last_hint() const { return last_hint_; }
  std::vector<Line> take() { return std::move(lines_); }

 private:
  const ViewOptions& options_;
  std::vector<Line> lines_;
  std::string last_hint_;
};

void add_undo(Block& block, const RunView& view, const json::object& data, const Glyphs& glyphs) {
  for (const StepView& step : view.steps()) {
    if (step.phase != StepPhase::undo_failed) continue;
    block.add(Tone::bad, glyphs.bad, Tone::bad,
              fmt::format("UNDO FAILED: {}: {}", step.label, step.undo_error));
    block.hint(step.undo_hint);
  }
  if (const auto left = texts_of(data, "not_undone"); !left.empty())
    block.add(Tone::bad, glyphs.bad, Tone::bad, fmt::format("not undone: {}", joined(left)));
}

}  // namespace

std::vector<Line> closing_lines(const RunView& view, const json::object& data,
                                const ViewOptions& options) {
  const Glyphs& glyphs = options.style.glyphs();
  const std::string outcome = text_of(data, "outcome");
  const std::int64_t exit_code = number_of(data, "exit_code");
  const Ending ending = ending_of(outcome, exit_code, glyphs);
  // A process that cleans up after another has not seen the run start.
  const std::string named = text_of(data, "phase");
  Block block(options);
  std::string headline =
      fmt::format("{} {} {}", named.empty() ? view.phase() : named, ending.words,
                  util::human_duration(std::chrono::milliseconds(number_of(data, "duration_ms"))));
  headline += exit_code == 0 ? fmt::format(" ({})", tally(view))
                             : fmt::format(" ({}; exit code {})", tally(view), exit_code);
  block.add(ending.tone, ending.sign, Tone::strong, headline);
  if (const std::size_t undone = view.count(StepPhase::undone); undone > 0)
    block.add(Tone::warn, glyphs.undone, Tone::plain,
              fmt::format("undone: {}", counted(undone, "step")));

  const json::object& error = object_of(data, "error");
  bool told = false;
  for (const StepView& step : view.steps()) {
    if (!step.failed) continue;
    told = true;
    const std::string what = step.what.starts_with(step.label)
                                 ? step.what
                                 : fmt::format("{}: {}", step.label, step.what);
    block.add(Tone::bad, glyphs.bad, Tone::bad, what);
    block.hint(step.hint);
  }
  if (const std::string what = text_of(error, "what"); !told && !what.empty() && exit_code != 0)
    block.add(ending.tone, ending.sign, ending.tone, what);
  add_undo(block, view, data, glyphs);
  if (const std::string hint = text_of(error, "hint"); hint != block.last_hint()) block.hint(hint);
  return block.take();
}

}  // namespace fusebox::report
