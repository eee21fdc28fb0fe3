// SPDX-License-Identifier: Apache-2.0
// What running forward and undoing share: the state, its journal, and the events.
#pragma once

#include "run/emitter.hpp"
#include "run/executor.hpp"
#include "run/flight.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace fusebox::run {

// Used by one thread; flights reach it only through events_of() and commit().
class Execution {
 public:
  Execution(RunState& state, const ExecutorContext& context);

 protected:
  // A record that is not on disk either did not happen (what it announces must not begin), or
  // happened all the same (the step did end).
  enum class OnJournalError { forget_record, keep_record };

  // Writes a record, then applies it to the state. Thread-safe.
  std::optional<Failure> commit(RecordType type, boost::json::object data, OnJournalError then);
  FlightEvents events_of(const std::string& label);
  bool leaving() const;

  // Ends the run, in the journal and for the reporter.
  RunResult close(Outcome outcome, ExitCode code, std::optional<Failure> error);
  // The operator stopped waiting: says so, and leaves the run open.
  RunResult leave_open();

  RunState& state_;
  const ExecutorContext& context_;
  Emitter emitter_;
  std::shared_ptr<Waker> waker_;
  bool abandoned_ = false;
  bool left_ = false;

 private:
  void announce_end(std::string_view outcome, const RunResult& result);

  std::mutex mutex_;
};

}  // namespace fusebox::run
