// SPDX-License-Identifier: Apache-2.0
// Steps that do what a test tells them, and what stands around a run.
#pragma once

#include <atomic>
#include <boost/json/object.hpp>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "plan/plan.hpp"
#include "plan/step_caller.hpp"
#include "report/event.hpp"
#include "run/executor.hpp"

namespace fusebox::run::test {

// Calls scripted functions by instance; without one a call answers {}. Its destructor waits for
// calls that were left behind.
class FakeCaller : public plan::StepCaller {
 public:
  using Function =
      std::function<boost::json::object(const boost::json::object&, const plugin::CallContext&)>;

  ~FakeCaller() override;
  boost::json::object plan(const std::string& instance, const boost::json::object& request,
                           const plugin::CallContext& context) override;
  boost::json::object run(const std::string& instance, const boost::json::object& request,
                          const plugin::CallContext& context) override;
  boost::json::object undo(const std::string& instance, const boost::json::object& request,
                           const plugin::CallContext& context) override;
  void prepare(const std::string& instance, const plugin::CallContext& context) override;
  void needed_secrets(const std::vector<std::string>& names) override { secrets = names; }

  // "run a", "undo b", ... in the order in which they began.
  std::vector<std::string> calls() const;
  // The last request of "run a".
  boost::json::object request(const std::string& call) const;
  std::size_t count(const std::string& call) const;

  std::map<std::string, Function> on_plan;
  std::map<std::string, Function> on_run;
  std::map<std::string, Function> on_undo;
  std::map<std::string, Function> on_prepare;  // its calls are not counted in calls()
  std::vector<std::string> secrets;

 private:
  boost::json::object call(const char* kind, const std::map<std::string, Function>& functions,
                           const std::string& instance, const boost::json::object& request,
                           const plugin::CallContext& context);

  mutable std::mutex mutex_;
  std::condition_variable idle_;
  int in_flight_ = 0;
  std::vector<std::string> calls_;
  std::map<std::string, boost::json::object> requests_;
};

// Keeps all events.
class FakeReporter : public report::Reporter {
 public:
  void on_event(const report::Event& event) override;
  // The data of all events of that type.
  std::vector<boost::json::object> all(report::EventType type) const;
  // The outcome of a step's step_finished; "" when there is none.
  std::string outcome(const std::string& label) const;

 private:
  mutable std::mutex mutex_;
  std::vector<report::Event> events_;
};

// Keeps lines in memory; `hook` is called around each append.
class MemorySink : public JournalSink {
 public:
  struct Lines {
    std::mutex mutex;
    std::string text;
  };
  explicit MemorySink(std::shared_ptr<Lines> lines) : lines_(std::move(lines)) {}
  void append(std::string_view line) override;

 private:
  std::shared_ptr<Lines> lines_;
};

// "a" makes the step "a.up" of instance "a" with effect change and undo; "a?" one with effect none;
// "a!" one that cannot be undone.
plan::Plan plan_of(const std::vector<std::vector<std::string>>& groups,
                   config::OnFailure on_failure = config::OnFailure::undo);

// Short ones.
Timings quick();

// A new folder that goes with it.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Waits until `condition`, at most ten seconds; false when it never came.
bool eventually(const std::function<bool()>& condition);

}  // namespace fusebox::run::test
