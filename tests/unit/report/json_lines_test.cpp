// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <unistd.h>
#include <boost/json/parse.hpp>

#include <fstream>
#include <sstream>
#include <thread>

#include "report/fields.hpp"
#include "report/reporter.hpp"
#include "tests/unit/report/events.hpp"
#include "tests/unit/report/sink.hpp"

namespace json = boost::json;
using namespace fusebox::report;
using fusebox::test::Sink;

TEST_CASE("every event is one object on one line, with its version, type, time and fields") {
  Sink sink;
  const auto reporter = make_reporter({.json = true, .quiet = true, .out_fd = sink.fd()});
  for (const Event& event : fusebox::test::successful_run()) reporter->on_event(event);
  std::istringstream lines(sink.text());
  std::string line;
  std::vector<json::object> objects;
  while (std::getline(lines, line)) objects.push_back(json::parse(line).as_object());
  REQUIRE(objects.size() == 10);
  for (const json::object& object : objects) CHECK(object.at("schema_version") == schema_version);
  CHECK(objects[3].at("type") == "step_finished");
  CHECK(objects[3].at("time") == "2026-05-09T03:00:01.000Z");
  CHECK(objects[3].at("step") == "secrets.resolve");
  CHECK(objects[3].at("result").at("summary") == "8 secrets");
}

TEST_CASE("every event type has its name in JSON") {
  CHECK(to_string(EventType::run_started) == "run_started");
  CHECK(to_string(EventType::step_started) == "step_started");
  CHECK(to_string(EventType::step_log) == "step_log");
  CHECK(to_string(EventType::step_progress) == "step_progress");
  CHECK(to_string(EventType::step_retrying) == "step_retrying");
  CHECK(to_string(EventType::step_finished) == "step_finished");
  CHECK(to_string(EventType::undo_started) == "undo_started");
  CHECK(to_string(EventType::undo_finished) == "undo_finished");
  CHECK(to_string(EventType::run_finished) == "run_finished");
}

TEST_CASE("the reference documents every event type and every field that events have") {
  std::ifstream file(FUSEBOX_SOURCE_DIR "/docs/JSON.md");
  std::stringstream text;
  text << file.rdbuf();
  const std::string reference = text.str();
  const auto check = [&](const std::vector<Event>& events) {
    for (const Event& event : events) {
      CAPTURE(to_string(event.type));
      CHECK(reference.find("### `" + std::string(to_string(event.type)) + "`") !=
            std::string::npos);
      for (const auto& [key, value] : event.data) {
        CAPTURE(std::string(key));
        CHECK(reference.find("| `" + std::string(key) + "` |") != std::string::npos);
      }
    }
  };
  check(fusebox::test::successful_run());
  check(fusebox::test::failed_run(true));
}

TEST_CASE("a reader that goes away is no error") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const auto reporter = make_reporter({.json = true, .out_fd = ends[1]});
  const auto events = fusebox::test::successful_run();
  reporter->on_event(events[0]);
  ::close(ends[0]);
  for (const Event& event : events) reporter->on_event(event);
  ::close(ends[1]);
}

TEST_CASE("a fanout tells all, one call at a time, from any thread") {
  struct Counter : Reporter {
    explicit Counter(int& count) : count_(count) {}
    void on_event(const Event&) override { ++count_; }  // a race here is what TSan would find
    int& count_;
  };
  int first = 0;
  int second = 0;
  std::vector<std::unique_ptr<Reporter>> reporters;
  reporters.push_back(std::make_unique<Counter>(first));
  reporters.push_back(std::make_unique<Counter>(second));
  Fanout fanout(std::move(reporters));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (const Event& event : fusebox::test::successful_run()) fanout.on_event(event);
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(first == 40);
  CHECK(second == 40);
}

TEST_CASE("fields of another type than expected are empty, numbers of any kind are read") {
  const json::object object =
      json::parse(R"({"i":-5,"u":18446744073709551615,"d":2.9,"huge":1e300,"s":"x","l":["a",1]})")
          .as_object();
  CHECK(number_of(object, "i") == -5);
  CHECK(number_of(object, "u") == INT64_MAX);
  CHECK(number_of(object, "d") == 2);
  CHECK(number_of(object, "huge") == 0);
  CHECK(number_of(object, "s") == 0);
  CHECK(number_of(object, "none") == 0);
  CHECK(text_of(object, "i").empty());
  CHECK(texts_of(object, "l") == std::vector<std::string>{"a"});
  CHECK(object_of(object, "l").empty());
  CHECK(array_of(object, "s").empty());
}
