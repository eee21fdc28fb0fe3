// SPDX-License-Identifier: Apache-2.0
#include "run/state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <limits>
#include <utility>

#include "run/json_read.hpp"
#include "util/clock.hpp"

namespace fusebox::run {

namespace json = boost::json;

namespace {

template <class Enum, std::size_t N>
using Names = std::array<std::pair<Enum, std::string_view>, N>;

constexpr Names<RecordType, 11> record_names{{{RecordType::run_start, "run_start"},
                                              {RecordType::step_start, "step_start"},
                                              {RecordType::checkpoint, "checkpoint"},
                                              {RecordType::step_done, "step_done"},
                                              {RecordType::step_failed, "step_failed"},
                                              {RecordType::step_skipped, "step_skipped"},
                                              {RecordType::undo_start, "undo_start"},
                                              {RecordType::undo_done, "undo_done"},
                                              {RecordType::undo_failed, "undo_failed"},
                                              {RecordType::run_resumed, "run_resumed"},
                                              {RecordType::run_end, "run_end"}}};

constexpr Names<StepStatus, 8> status_names{{{StepStatus::pending, "pending"},
                                             {StepStatus::started, "started"},
                                             {StepStatus::done, "done"},
                                             {StepStatus::failed, "failed"},
                                             {StepStatus::skipped, "skipped"},
                                             {StepStatus::undo_started, "undo_started"},
                                             {StepStatus::undone, "undone"},
                                             {StepStatus::undo_failed, "undo_failed"}}};

constexpr Names<Outcome, 9> outcome_names{{{Outcome::ok, "ok"},
                                           {Outcome::failed, "failed"},
                                           {Outcome::undone, "undone"},
                                           {Outcome::undo_failed, "undo_failed"},
                                           {Outcome::cancelled, "cancelled"},
                                           {Outcome::unhealthy, "unhealthy"},
                                           {Outcome::findings, "findings"},
                                           {Outcome::skipped, "skipped"},
                                           {Outcome::forgotten, "forgotten"}}};

constexpr Names<config::OnFailure, 3> policy_names{{{config::OnFailure::undo, "undo"},
                                                    {config::OnFailure::stop, "stop"},
                                                    {config::OnFailure::keep_going, "continue"}}};

template <class Enum, std::size_t N>
std::string_view name_of(const Names<Enum, N>& names, Enum value) {
  const auto it = std::find_if(names.begin(), names.end(),
                               [&](const auto& entry) { return entry.first == value; });
  return it == names.end() ? std::string_view("unknown") : it->second;
}

template <class Enum, std::size_t N>
std::optional<Enum> value_of(const Names<Enum, N>& names, std::string_view name) {
  const auto it = std::find_if(names.begin(), names.end(),
                               [&](const auto& entry) { return entry.second == name; });
  if (it == names.end()) return std::nullopt;
  return it->first;
}

json::object to_json(const plan::Step& step) {
  return {{"label", step.label},
          {"instance", step.instance},
          {"verb", step.verb},
          {"effect", step.effect == plugin::Effect::none ? "none" : "change"},
          {"can_undo", step.can_undo},
          {"skipped", step.skipped},
          {"timeout_ms", step.timeout.count()},
          {"retries", step.retries},
          {"with", step.with}};
}

plan::Step step_from(const json::object& object) {
  plan::Step step;
  step.label = string_field(object, "label");
  step.instance = string_field(object, "instance");
  step.verb = string_field(object, "verb");
  step.effect =
      string_field(object, "effect") == "none" ? plugin::Effect::none : plugin::Effect::change;
  step.can_undo = bool_field(object, "can_undo");
  step.skipped = bool_field(object, "skipped");
  step.timeout = std::chrono::milliseconds(integer_field(object, "timeout_ms"));
  step.retries = static_cast<int>(std::clamp<std::int64_t>(integer_field(object, "retries"), 0,
                                                           std::numeric_limits<int>::max()));
  step.with = object_field(object, "with");
  return step;
}

const json::object& as_object(const json::value& value, std::string_view what) {
  if (const auto* object = value.if_object()) return *object;
  throw Error(Errc::io, fmt::format("{} is not an object", what));
}

void begin(RunState& state, const Record& record) {
  if (!state.id.empty()) throw Error(Errc::io, "the run starts a second time");
  const json::object& data = record.data;
  if (const auto format = integer_field(data, "format"); format != 1)
    throw Error(Errc::io, fmt::format("journal format {} is unknown, this fusebox reads 1", format),
                "use the fusebox that wrote it, or a newer one");
  const auto policy = value_of(policy_names, string_field(data, "on_failure"));
  if (!policy) throw Error(Errc::io, "field \"on_failure\" has an unknown value");
  state.phase = string_field(data, "phase");
  state.stack = string_field(data, "stack");
  state.version = string_field(data, "version");
  state.pid = static_cast<int>(integer_field(data, "pid"));
  state.on_failure = *policy;
  state.changes = bool_field(data, "changes");
  state.started = record.time;
  for (const json::value& name : array_field(data, "secrets")) {
    if (!name.is_string()) throw Error(Errc::io, "field \"secrets\" holds more than names");
    state.secrets.emplace_back(name.get_string().c_str());
  }
  std::size_t group = 0;
  for (const json::value& entries : array_field(data, "groups")) {
    if (!entries.is_array()) throw Error(Errc::io, "a group is not an array");
    for (const json::value& entry : entries.get_array()) {
      StepState step;
      step.step = step_from(as_object(entry, "a step"));
      step.group = group;
      if (state.find(step.step.label) != nullptr)
        throw Error(Errc::io, fmt::format("step \"{}\" is there twice", step.step.label));
      state.steps.push_back(std::move(step));
    }
    ++group;
  }
  state.id = string_field(data, "run");
  if (state.id.empty()) throw Error(Errc::io, "field \"run\" is empty");
}

StepState& step_of(RunState& state, const Record& record) {
  const std::string label = string_field(record.data, "step");
  StepState* step = state.find(label);
  if (step == nullptr)
    throw Error(Errc::io, fmt::format("{} of step \"{}\", which the run does not have",
                                      to_string(record.type), label));
  return *step;
}

void expect(const StepState& step, const Record& record, bool fits) {
  if (fits) return;
  throw Error(Errc::io, fmt::format("{} of step \"{}\", which is {}", to_string(record.type),
                                    step.step.label, to_string(step.status)));
}

void finish(StepState& step, const Record& record, StepStatus status) {
  expect(step, record, step.status == StepStatus::started);
  step.status = status;
  step.duration = std::chrono::milliseconds(integer_field(record.data, "duration_ms"));
  if (const auto* result = record.data.if_contains("result")) step.result = *result;
}

void apply_step(RunState& state, const Record& record) {
  StepState& step = step_of(state, record);
  switch (record.type) {
    case RecordType::step_start:
      expect(step, record, !state.undo_begun && step.status != StepStatus::done);
      step.status = StepStatus::started;
      step.started = true;
      step.error.reset();
      return;
    case RecordType::checkpoint:
      expect(step, record, step.status == StepStatus::started);
      step.checkpoints.push_back(object_field(record.data, "data"));
      return;
    case RecordType::step_done:
      finish(step, record, StepStatus::done);
      return;
    case RecordType::step_failed:
      finish(step, record, StepStatus::failed);
      step.error = failure_from(object_field(record.data, "error"));
      return;
    case RecordType::step_skipped:
      expect(step, record,
             step.status == StepStatus::started || step.status == StepStatus::pending);
      step.status = StepStatus::skipped;
      step.error = failure_from(object_field(record.data, "error"));
      return;
    case RecordType::undo_start:
      expect(step, record, step.started && step.status != StepStatus::undone);
      step.status = StepStatus::undo_started;
      state.undo_begun = true;
      return;
    case RecordType::undo_done:
      expect(step, record, step.status == StepStatus::undo_started);
      step.status = StepStatus::undone;
      step.undo_error.reset();
      return;
    case RecordType::undo_failed:
      expect(step, record, step.status == StepStatus::undo_started);
      step.status = StepStatus::undo_failed;
      step.undo_error = failure_from(object_field(record.data, "error"));
      return;
    default:
      throw Error(Errc::internal, "not the record of a step");
  }
}

void finish(RunState& state, const Record& record) {
  const auto outcome = parse_outcome(string_field(record.data, "outcome"));
  if (!outcome) throw Error(Errc::io, "field \"outcome\" has an unknown value");
  state.end =
      RunEnd{record.time, *outcome, static_cast<int>(integer_field(record.data, "exit_code"))};
}

}  // namespace

std::string_view to_string(RecordType type) { return name_of(record_names, type); }
std::optional<RecordType> parse_record_type(std::string_view name) {
  return value_of(record_names, name);
}
std::string_view to_string(StepStatus status) { return name_of(status_names, status); }
std::string_view to_string(Outcome outcome) { return name_of(outcome_names, outcome); }
std::optional<Outcome> parse_outcome(std::string_view name) {
  return value_of(outcome_names, name);
}

json::object to_json(const Failure& failure) {
  json::object object{{"code", fusebox::to_string(failure.code)}, {"what", failure.what}};
  if (!failure.hint.empty()) object["hint"] = failure.hint;
  return object;
}

Failure failure_from(const json::object& error) {
  Failure failure;
  const std::string code = string_field(error, "code");
  for (int number = 1; number <= static_cast<int>(Errc::refused); ++number)
    if (code == fusebox::to_string(static_cast<Errc>(number)))
      failure.code = static_cast<Errc>(number);
  failure.what = string_field(error, "what");
  if (error.contains("hint")) failure.hint = string_field(error, "hint");
  return failure;
}

bool StepState::needs_undo() const {
  if (!started || status == StepStatus::undone) return false;
  return !checkpoints.empty() || (step.can_undo && status != StepStatus::skipped);
}

StepState* RunState::find(std::string_view label) {
  return const_cast<StepState*>(std::as_const(*this).find(label));
}

const StepState* RunState::find(std::string_view label) const {
  const auto it = std::find_if(steps.begin(), steps.end(),
                               [&](const StepState& step) { return step.step.label == label; });
  return it == steps.end() ? nullptr : &*it;
}

std::vector<std::string> RunState::interrupted() const {
  std::vector<std::string> labels;
  for (const StepState& step : steps)
    if (step.status == StepStatus::started || step.status == StepStatus::undo_started)
      labels.push_back(step.step.label);
  return labels;
}

std::vector<std::string> RunState::not_undone() const {
  std::vector<std::string> labels;
  for (const StepState& step : steps)
    if (step.needs_undo()) labels.push_back(step.step.label);
  return labels;
}

void apply(RunState& state, const Record& record) {
  if (record.type == RecordType::run_start) return begin(state, record);
  if (state.id.empty())
    throw Error(Errc::io, fmt::format("{} before run_start", to_string(record.type)));
  if (state.end) throw Error(Errc::io, fmt::format("{} after run_end", to_string(record.type)));
  if (record.type == RecordType::run_end) return finish(state, record);
  if (record.type == RecordType::run_resumed) {
    state.pid = static_cast<int>(integer_field(record.data, "pid"));
    return;
  }
  apply_step(state, record);
}

Record run_start(const plan::Plan& plan, const std::string& id, const std::string& stack,
                 const std::string& version, int pid, std::chrono::system_clock::time_point time) {
  json::array groups;
  for (const auto& group : plan.groups) {
    json::array steps;
    for (const plan::Step& step : group) steps.push_back(to_json(step));
    groups.push_back(std::move(steps));
  }
  return {RecordType::run_start,
          time,
          {{"format", 1},
           {"run", id},
           {"phase", plan.phase},
           {"stack", stack},
           {"version", version},
           {"pid", pid},
           {"on_failure", name_of(policy_names, plan.on_failure)},
           {"changes", plan.changes},
           {"secrets", json::array(plan.secrets.begin(), plan.secrets.end())},
           {"groups", std::move(groups)}}};
}

}  // namespace fusebox::run
