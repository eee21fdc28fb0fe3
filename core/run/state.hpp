// SPDX-License-Identifier: Apache-2.0
// A run as its journal tells it. The executor and the recovery work on this and on nothing else, so
// that undo is the same whether the run is in memory or on disk.
#pragma once

#include "plan/plan.hpp"
#include "util/error.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::run {

// docs/RUNS.md lists the fields of each.
enum class RecordType {
  run_start,
  step_start,
  checkpoint,
  step_done,
  step_failed,
  step_skipped,
  undo_start,
  undo_done,
  undo_failed,
  run_resumed,
  run_end
};
std::string_view to_string(RecordType type);
std::optional<RecordType> parse_record_type(std::string_view name);

struct Failure {
  Errc code = Errc::internal;
  std::string what;
  std::string hint;
};
boost::json::object to_json(const Failure& failure);
Failure failure_from(const boost::json::object& error);

enum class StepStatus {
  pending,
  started,
  done,
  failed,
  skipped,
  undo_started,
  undone,
  undo_failed
};
// "pending", "started", ...
std::string_view to_string(StepStatus status);

struct StepState {
  plan::Step step;
  std::size_t group = 0;
  StepStatus status = StepStatus::pending;
  bool started = false;                          // run() was called, whatever came of it
  std::vector<boost::json::object> checkpoints;  // in order
  boost::json::value result;                     // null until it is done
  std::optional<Failure> error;                  // of run(), or the reason of a soft skip
  std::optional<Failure> undo_error;             // of the last undo()
  std::chrono::milliseconds duration{0};

  // It left, or may have left, something that undo() can take back.
  bool needs_undo() const;
};

enum class Outcome {
  ok,
  failed,       // and nothing was undone, as on_failure says
  undone,       // failed, and all of it undone
  undo_failed,  // failed, and some of it is still there; the run stays open
  cancelled,    // by the operator, and undone where on_failure says so
  unhealthy,
  findings,
  skipped,
  forgotten  // closed by `recover --forget`
};
std::string_view to_string(Outcome outcome);
std::optional<Outcome> parse_outcome(std::string_view name);

struct RunEnd {
  std::chrono::system_clock::time_point time;
  Outcome outcome = Outcome::ok;
  int exit_code = 0;
};

struct RunState {
  std::string id;
  std::string phase;
  std::string stack;
  std::string version;  // of the fusebox that began it
  int pid = 0;          // of the process that last worked on it
  std::chrono::system_clock::time_point started;
  config::OnFailure on_failure = config::OnFailure::undo;
  std::vector<std::string> secrets;
  bool changes = true;
  std::vector<StepState> steps;  // in the plan's order
  bool undo_begun = false;
  std::optional<RunEnd> end;  // nothing: open

  StepState* find(std::string_view label);
  const StepState* find(std::string_view label) const;
  // Labels of steps that were started and have no result.
  std::vector<std::string> interrupted() const;
  // Labels of steps that still need undo.
  std::vector<std::string> not_undone() const;
};

// One line of a journal.
struct Record {
  RecordType type = RecordType::run_start;
  std::chrono::system_clock::time_point time;
  boost::json::object data;
};

// What `record` changes. Throws Error{io} when it does not follow from what came before (an unknown
// step, a second run_start, ...): the text names the record, the caller adds the place.
void apply(RunState& state, const Record& record);

// The first record of a run of `plan`.
Record run_start(const plan::Plan& plan, const std::string& id, const std::string& stack,
                 const std::string& version, int pid, std::chrono::system_clock::time_point time);

}  // namespace fusebox::run
