// SPDX-License-Identifier: Apache-2.0
// An executor with fakes around it, and steps that fail, answer or wait.
#pragma once

#include "run/executor.hpp"

#include <boost/json/parse.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "fakes.hpp"

namespace fusebox::run::test {

// One run with everything around it.
struct Rig {
  explicit Rig(plan::Plan a_plan) : plan(std::move(a_plan)) {}

  RunResult go() {
    state = make_state(plan, "r1", "stack", "0.1.0");
    if (plan.changes) {
      journal.emplace(std::make_unique<MemorySink>(lines), Redact{});
      journal->append(run_start(plan, "r1", "stack", "0.1.0", 1, std::chrono::system_clock::now()));
    }
    return execute(state, context());
  }
  ExecutorContext context() {
    return {caller,   reporter, redact, journal ? &*journal : nullptr,
            &signals, timings,  strict, record_release};
  }
  // What a new process would read.
  RunState on_disk() { return parse_journal(lines->text, "journal").state; }
  plan::Step& step(std::size_t group, std::size_t index = 0) { return plan.groups[group][index]; }

  plan::Plan plan;
  Timings timings = quick();
  bool strict = false;
  Redact redact;
  std::function<void(const RunState&, const boost::json::object&)> record_release;
  FakeReporter reporter;
  Signals signals;
  std::shared_ptr<MemorySink::Lines> lines = std::make_shared<MemorySink::Lines>();
  std::optional<Journal> journal;
  RunState state;
  FakeCaller caller;  // last: its destructor waits for what was left behind
};

inline FakeCaller::Function fails(Errc code, std::string what = "it broke", std::string hint = "") {
  return [=](const boost::json::object&, const plugin::CallContext&) -> boost::json::object {
    throw Error(code, what, hint);
  };
}

inline FakeCaller::Function answers(const char* text) {
  return [value = boost::json::parse(text).as_object()](
             const boost::json::object&, const plugin::CallContext&) { return value; };
}

// Ends when asked to.
inline boost::json::object until_cancelled(const boost::json::object&,
                                           const plugin::CallContext& context) {
  while (!context.cancel->cancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  throw Error(Errc::cancelled, "stopped as asked");
}

}  // namespace fusebox::run::test
