// SPDX-License-Identifier: Apache-2.0
// Steps whose effect is a file, so that "the state before is back" is an empty folder, also when
// the processes that ran them are dead.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "fakes.hpp"
#include "run/phase.hpp"

namespace fusebox::run::test {

// The step of instance "a" makes the files "a.1" and "a.2", with a checkpoint before each; its undo
// removes what the checkpoints name. `during_run` and `during_undo` are called between the two.
class FileSteps : public plan::StepCaller {
 public:
  explicit FileSteps(std::filesystem::path dir) : dir_(std::move(dir)) {}
  boost::json::object plan(const std::string& instance, const boost::json::object& request,
                           const plugin::CallContext& context) override;
  boost::json::object run(const std::string& instance, const boost::json::object& request,
                          const plugin::CallContext& context) override;
  boost::json::object undo(const std::string& instance, const boost::json::object& request,
                           const plugin::CallContext& context) override;

  // The names of the files that are there, sorted.
  std::set<std::string> files() const;

  using Hook = std::function<void(const std::string& instance, const plugin::CallContext& context)>;
  Hook during_run;
  Hook during_undo;
  boost::json::object release;  // goes into each step's result

 private:
  std::filesystem::path dir_;
};

// A reporter that appends to a file, one event per line: what a child process said.
class FileReporter : public report::Reporter {
 public:
  explicit FileReporter(const std::filesystem::path& file);
  void on_event(const report::Event& event) override;

 private:
  std::filesystem::path file_;
};

// The events in such a file, as {"type":<number>, ...data}.
std::vector<boost::json::object> events_in(const std::filesystem::path& file,
                                           report::EventType type);

// Everything around run_phase(), in a temporary folder.
struct Stage {
  Stage();
  Environment environment();
  ExitCode go(const plan::Plan& plan) { return run_phase(plan, environment()); }
  // The newest run.
  RunState last() const;
  std::vector<boost::json::object> events(report::EventType type) const {
    return events_in(dir.path() / "events", type);
  }

  TempDir dir;
  std::filesystem::path state_dir;
  FileSteps steps;
  Timings timings = quick();
};

// Runs `body` in a forked child; its wait status.
int in_child(const std::function<void()>& body);

}  // namespace fusebox::run::test
