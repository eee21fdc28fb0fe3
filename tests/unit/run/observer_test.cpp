// SPDX-License-Identifier: Apache-2.0
#include "run/observer.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <boost/json.hpp>
#include <map>
#include <mutex>
#include <thread>

#include "fakes.hpp"
#include "util/error.hpp"

using namespace fusebox;
using namespace fusebox::run;
using namespace fusebox::run::test;
using namespace std::chrono_literals;
using report::EventType;

namespace {

report::Event event(EventType type, const char* step = "a.up") {
  return {type, std::chrono::system_clock::now(), {{"step", step}}};
}

// What observers got, and what was warned about.
struct Witness {
  void add(const std::string& instance, std::string_view text) {
    const std::lock_guard lock(mutex);
    events[instance].emplace_back(text);
  }
  void warn(const std::string& text) {
    const std::lock_guard lock(mutex);
    warnings.push_back(text);
  }
  std::size_t count(const std::string& instance) {
    const std::lock_guard lock(mutex);
    return events[instance].size();
  }
  std::mutex mutex;
  std::map<std::string, std::vector<std::string>> events;
  std::vector<std::string> warnings;
};

}  // namespace

TEST_CASE("every observer gets every event in order, as JSON, before the reporter is gone") {
  Witness record;
  {
    ObserverReporter reporter(
        {"one", "two"},
        [&](const std::string& instance, std::string_view text,
            const plugin::CallContext& context) {
          CHECK(context.deadline.has_value());
          context.log(plugin::LogLevel::info, "unseen");
          context.progress({});
          record.add(instance, text);
        },
        [&](const std::string& text) { record.warn(text); });
    for (const char* step : {"a.up", "b.up", "c.up"})
      reporter.on_event(event(EventType::step_started, step));
  }
  CHECK(record.warnings.empty());
  for (const char* name : {"one", "two"}) {
    REQUIRE(record.events[name].size() == 3);
    CHECK(boost::json::parse(record.events[name][1]).at("step") == "b.up");
    CHECK(record.events[name][1].find("step_started") != std::string::npos);
  }
}

TEST_CASE("an observer that fails is warned about once, told no more, and disturbs nobody") {
  Witness record;
  std::atomic<int> calls = 0;
  {
    ObserverReporter reporter(
        {"bad", "good"},
        [&](const std::string& instance, std::string_view text, const plugin::CallContext&) {
          if (instance == "bad") {
            ++calls;
            throw Error(Errc::io, "no room");
          }
          record.add(instance, text);
        },
        [&](const std::string& text) { record.warn(text); });
    reporter.on_event(event(EventType::step_started));
    REQUIRE(eventually([&] { return calls > 0; }));
    reporter.on_event(event(EventType::step_finished));
    reporter.on_event(event(EventType::run_finished));
  }
  CHECK(calls == 1);
  CHECK(record.events["good"].size() == 3);
  CHECK(record.warnings ==
        std::vector<std::string>{"observer \"bad\" failed and is told no more: no room"});
}

TEST_CASE("an observer that takes too long is told no more") {
  Witness record;
  {
    ObserverReporter reporter(
        {"slow"},
        [&](const std::string& instance, std::string_view text, const plugin::CallContext&) {
          std::this_thread::sleep_for(60ms);
          record.add(instance, text);
        },
        [&](const std::string& text) { record.warn(text); }, 20ms);
    reporter.on_event(event(EventType::step_started));
    REQUIRE(eventually([&] { return record.count("slow") == 1; }));
    REQUIRE(eventually([&] {
      const std::lock_guard lock(record.mutex);
      return record.warnings.size() == 1;
    }));
    reporter.on_event(event(EventType::step_started));
  }
  CHECK(record.count("slow") == 1);
  CHECK(record.warnings.at(0) ==
        "observer \"slow\" took longer than 20ms for an event and is told no more");
}

TEST_CASE("an observer that hangs is left behind after a last patience") {
  Witness record;
  std::atomic<bool> release = false;
  std::atomic<bool> gone = false;
  const auto begun = std::chrono::steady_clock::now();
  {
    ObserverReporter reporter(
        {"stuck"},
        [&](const std::string&, std::string_view, const plugin::CallContext&) {
          while (!release) std::this_thread::sleep_for(1ms);
          gone = true;
        },
        [&](const std::string& text) { record.warn(text); }, 40ms);
    reporter.on_event(event(EventType::run_finished));
  }
  CHECK(std::chrono::steady_clock::now() - begun < 5s);
  CHECK(record.warnings ==
        std::vector<std::string>{"observer \"stuck\" did not take all events within 40ms"});
  release = true;
  CHECK(eventually([&] { return gone.load(); }));
}

TEST_CASE("an observer that is cancelled in the end says nothing more") {
  Witness record;
  {
    ObserverReporter reporter(
        {"waits"},
        [&](const std::string&, std::string_view, const plugin::CallContext& context) {
          while (!context.cancel->cancelled()) std::this_thread::sleep_for(1ms);
          throw Error(Errc::cancelled, "stopped");
        },
        [&](const std::string& text) { record.warn(text); }, 100ms);
    reporter.on_event(event(EventType::run_finished));
  }
  CHECK(record.warnings.size() == 1);
}

TEST_CASE("an observer that falls behind misses progress but no step") {
  Witness record;
  std::atomic<bool> release = false;
  {
    ObserverReporter reporter(
        {"late"},
        [&](const std::string& instance, std::string_view text, const plugin::CallContext&) {
          while (!release) std::this_thread::sleep_for(1ms);
          record.add(instance, text);
        },
        [&](const std::string& text) { record.warn(text); }, 20s);
    for (int i = 0; i < 1000; ++i) reporter.on_event(event(EventType::step_progress));
    for (int i = 0; i < 100; ++i) reporter.on_event(event(EventType::step_finished));
    release = true;
  }
  std::size_t finished = 0;
  for (const std::string& text : record.events["late"])
    finished += text.find("step_finished") != std::string::npos ? 1 : 0;
  CHECK(finished == 100);
  CHECK(record.events["late"].size() < 500);
}
