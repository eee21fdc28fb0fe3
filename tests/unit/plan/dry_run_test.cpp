// SPDX-License-Identifier: Apache-2.0
#include "plan/dry_run.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <boost/json.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "util/error.hpp"

using namespace fusebox;
using namespace fusebox::plan;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

// Answers plan() by a function per instance; waits for calls that were left behind.
class Planner : public StepCaller {
 public:
  using Function = std::function<json::object(const json::object&, const plugin::CallContext&)>;

  ~Planner() override {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return in_flight_ == 0; });
  }
  json::object plan(const std::string& instance, const json::object& request,
                    const plugin::CallContext& context) override {
    const std::shared_ptr<void> landing(enter(), [this](void*) { leave(); });
    return functions.at(instance)(request, context);
  }
  json::object run(const std::string&, const json::object&, const plugin::CallContext&) override {
    effects = true;
    return {};
  }
  json::object undo(const std::string&, const json::object&, const plugin::CallContext&) override {
    effects = true;
    return {};
  }

  std::map<std::string, Function> functions;
  std::atomic<bool> effects = false;

 private:
  void* enter() {
    const std::lock_guard lock(mutex_);
    ++in_flight_;
    return this;
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    --in_flight_;
    idle_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable idle_;
  int in_flight_ = 0;
};

Plan plan_of(const std::vector<std::string>& names) {
  Plan plan;
  plan.phase = "deploy";
  plan.changes = true;
  for (const std::string& name : names) {
    Step step;
    step.label = name + ".up";
    step.instance = name;
    step.verb = "up";
    plan.groups.push_back({step});
  }
  return plan;
}

}  // namespace

TEST_CASE("each step is asked once, without effect, and answers stand in the plan's order") {
  Planner planner;
  Plan plan = plan_of({"a", "b", "c"});
  plan.groups[1][0].skipped = true;
  planner.functions["a"] = [](const json::object& request, const plugin::CallContext& context) {
    CHECK(request.at("run") == "");
    CHECK(request.at("phase") == "deploy");
    CHECK_FALSE(context.checkpoint);
    context.progress({});
    context.log(plugin::LogLevel::info, "thinking");
    return json::object{{"actions", {"start a"}}};
  };
  planner.functions["c"] = [](const json::object&, const plugin::CallContext&) -> json::object {
    throw Error(Errc::unavailable, "no engine", "start it");
  };
  std::vector<std::string> lines;
  DryRunOptions options;
  options.log = [&](const std::string& label, plugin::LogLevel, std::string_view line) {
    lines.push_back(label + ": " + std::string(line));
  };
  const PlanReport report = dry_run(plan, planner, options);
  REQUIRE(report.steps.size() == 2);
  CHECK(report.steps[0].label == "a.up");
  CHECK(report.steps[0].answer.at("actions").as_array().size() == 1);
  CHECK(report.steps[1].error == "no engine");
  CHECK(report.steps[1].hint == "start it");
  CHECK_FALSE(report.abandoned);
  CHECK_FALSE(planner.effects);
  CHECK(lines == std::vector<std::string>{"a.up: thinking"});
}

TEST_CASE("an exception that is no Error is part of the report") {
  Planner planner;
  planner.functions["a"] = [](const json::object&, const plugin::CallContext&) -> json::object {
    throw std::runtime_error("odd");
  };
  CHECK(dry_run(plan_of({"a"}), planner).steps.at(0).error == "odd");
}

TEST_CASE("a step that does not come back is left behind and named") {
  Planner planner;
  std::atomic<bool> release = false;
  planner.functions["a"] = [&](const json::object&, const plugin::CallContext& context) {
    while (!release) std::this_thread::sleep_for(1ms);
    context.log(plugin::LogLevel::info, "too late");
    return json::object{};
  };
  int lines = 0;
  DryRunOptions options;
  options.timeout = 20ms;
  options.grace = 20ms;
  options.log = [&](const std::string&, plugin::LogLevel, std::string_view) { ++lines; };
  const PlanReport report = dry_run(plan_of({"a"}), planner, options);
  CHECK(report.abandoned);
  CHECK(report.steps.at(0).error ==
        "a.up (instance \"a\") did not say what it would do within 20ms");
  release = true;
  std::this_thread::sleep_for(20ms);
  CHECK(lines == 0);
}

TEST_CASE("cancel ends the questions") {
  Planner planner;
  util::CancelToken cancel;
  planner.functions["a"] = [&](const json::object&,
                               const plugin::CallContext& context) -> json::object {
    cancel.cancel();
    while (!context.cancel->cancelled()) std::this_thread::sleep_for(1ms);
    throw Error(Errc::cancelled, "stopped");
  };
  DryRunOptions options;
  options.cancel = &cancel;
  const auto begun = std::chrono::steady_clock::now();
  CHECK(dry_run(plan_of({"a"}), planner, options).steps.at(0).error == "stopped");
  CHECK(std::chrono::steady_clock::now() - begun < 5s);
}
