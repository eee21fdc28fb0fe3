// SPDX-License-Identifier: Apache-2.0
#include "fakes.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace fusebox::run::test {

namespace json = boost::json;
using namespace std::chrono_literals;

FakeCaller::~FakeCaller() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return in_flight_ == 0; });
}

json::object FakeCaller::call(const char* kind, const std::map<std::string, Function>& functions,
                              const std::string& instance, const json::object& request,
                              const plugin::CallContext& context) {
  const std::string name = std::string(kind) + " " + instance;
  {
    const std::lock_guard lock(mutex_);
    if (&functions != &on_prepare) calls_.push_back(name);
    requests_[name] = request;
    ++in_flight_;
  }
  struct Landing {
    FakeCaller& caller;
    ~Landing() {
      const std::lock_guard lock(caller.mutex_);
      --caller.in_flight_;
      caller.idle_.notify_all();
    }
  } landing{*this};
  const auto function = functions.find(instance);
  return function == functions.end() ? json::object{} : function->second(request, context);
}

json::object FakeCaller::plan(const std::string& instance, const json::object& request,
                              const plugin::CallContext& context) {
  return call("plan", on_plan, instance, request, context);
}

json::object FakeCaller::run(const std::string& instance, const json::object& request,
                             const plugin::CallContext& context) {
  return call("run", on_run, instance, request, context);
}

json::object FakeCaller::undo(const std::string& instance, const json::object& request,
                              const plugin::CallContext& context) {
  return call("undo", on_undo, instance, request, context);
}

void FakeCaller::prepare(const std::string& instance, const plugin::CallContext& context) {
  call("prepare", on_prepare, instance, {}, context);
}

std::vector<std::string> FakeCaller::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

json::object FakeCaller::request(const std::string& call) const {
  const std::lock_guard lock(mutex_);
  return requests_.at(call);
}

std::size_t FakeCaller::count(const std::string& call) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count(calls_.begin(), calls_.end(), call));
}

void FakeReporter::on_event(const report::Event& event) {
  const std::lock_guard lock(mutex_);
  events_.push_back(event);
}

std::vector<json::object> FakeReporter::all(report::EventType type) const {
  const std::lock_guard lock(mutex_);
  std::vector<json::object> found;
  for (const report::Event& event : events_)
    if (event.type == type) found.push_back(event.data);
  return found;
}

std::string FakeReporter::outcome(const std::string& label) const {
  std::string outcome;
  for (const json::object& data : all(report::EventType::step_finished))
    if (data.at("step").as_string() == label.c_str()) outcome = data.at("outcome").as_string();
  return outcome;
}

void MemorySink::append(std::string_view line) {
  const std::lock_guard lock(lines_->mutex);
  lines_->text += line;
}

plan::Plan plan_of(const std::vector<std::vector<std::string>>& groups,
                   config::OnFailure on_failure) {
  plan::Plan plan;
  plan.phase = "deploy";
  plan.on_failure = on_failure;
  for (const auto& names : groups) {
    auto& group = plan.groups.emplace_back();
    for (std::string name : names) {
      plan::Step step;
      const char mark = name.back();
      if (mark == '?' || mark == '!') name.pop_back();
      step.effect = mark == '?' ? plugin::Effect::none : plugin::Effect::change;
      step.can_undo = mark != '?' && mark != '!';
      step.instance = name;
      step.verb = "up";
      step.label = name + ".up";
      plan.changes = plan.changes || step.effect == plugin::Effect::change;
      group.push_back(std::move(step));
    }
  }
  return plan;
}

Timings quick() {
  Timings timings;
  timings.default_timeout = 10s;
  timings.grace = 100ms;
  timings.backoff_first = 4ms;
  timings.backoff_most = 20ms;
  return timings;
}

TempDir::TempDir() {
  // These tests sync thousands of lines: in memory that costs nothing.
  std::filesystem::path base = "/dev/shm";
  if (::access(base.c_str(), W_OK) != 0) base = std::filesystem::temp_directory_path();
  std::string pattern = (base / "fusebox-run-XXXXXX").native();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

bool eventually(const std::function<bool()>& condition) {
  for (const auto end = std::chrono::steady_clock::now() + 10s;
       std::chrono::steady_clock::now() < end; std::this_thread::sleep_for(2ms))
    if (condition()) return true;
  return condition();
}

}  // namespace fusebox::run::test
