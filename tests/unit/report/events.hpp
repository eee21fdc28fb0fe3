// SPDX-License-Identifier: Apache-2.0
// Events of runs as an executor makes them, for the tests of reporters.
#pragma once

#include "report/event.hpp"

#include <boost/json/parse.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace fusebox::test {

// An event from its JSON text, `seconds` after 2026-05-09T03:00:00Z.
inline report::Event event(report::EventType type, const std::string& data, int seconds = 0) {
  const auto start = std::chrono::sys_days(std::chrono::May / 9 / 2026) + std::chrono::hours(3);
  return {type, start + std::chrono::seconds(seconds), boost::json::parse(data).as_object()};
}

inline std::vector<report::Event> successful_run() {
  using enum report::EventType;
  return {
      event(run_started, R"({"run":"r1","phase":"deploy","stack":"demo",
        "steps":[["secrets.resolve"],["pg.check","redis.check"]]})"),
      event(step_started, R"({"step":"secrets.resolve","index":0,"group":0})"),
      event(step_log, R"({"step":"secrets.resolve","level":"info","line":"8 names"})"),
      event(step_finished, R"({"step":"secrets.resolve","outcome":"ok","duration_ms":120,
        "result":{"summary":"8 secrets","changed":false}})",
            1),
      event(step_started, R"({"step":"pg.check","index":1,"group":1})", 1),
      event(step_started, R"({"step":"redis.check","index":2,"group":1})", 1),
      event(step_log, R"({"step":"redis.check","level":"warn","line":"slow answer"})", 1),
      event(step_finished, R"({"step":"redis.check","outcome":"ok","duration_ms":8,
        "result":{"status":"degraded","summary":"Redis 7.0","findings":[
          {"severity":"warning","what":"eviction is on","evidence":"maxmemory-policy=allkeys-lru",
           "remedy":"set maxmemory-policy noeviction","where":"127.0.0.1:6379"},
          {"severity":"info","what":"no replica"}],
          "metrics":{"latency":{"value":1.5,"unit":"ms"},"memory":{"value":1288490189,"unit":"bytes"}},
          "extra":[1,2]}})",
            2),
      event(step_finished, R"({"step":"pg.check","outcome":"ok","duration_ms":2300,
        "result":{"status":"healthy","summary":"PostgreSQL 15.8",
          "artifacts":[{"kind":"report","path":"/tmp/r"}]}})",
            3),
      event(run_finished, R"({"run":"r1","outcome":"ok","exit_code":0,"duration_ms":62000})", 62),
  };
}

// A step fails, two are undone, one of these in vain when `undo_fails`.
inline std::vector<report::Event> failed_run(bool undo_fails) {
  using enum report::EventType;
  std::vector<report::Event> events = {
      event(run_started, R"({"run":"r2","phase":"deploy","stack":"demo",
        "steps":[["pull.run"],["up.run"],["web.check"],["after.run"]]})"),
      event(step_started, R"({"step":"pull.run"})"),
      event(step_progress, R"({"step":"pull.run","done":536870912,"total":1073741824,
        "unit":"bytes","what":"postgres"})"),
      event(step_finished, R"({"step":"pull.run","outcome":"ok","duration_ms":5000,
        "result":{"changed":true,"summary":"1 image"}})",
            5),
      event(step_started, R"({"step":"up.run"})", 5),
      event(step_retrying, R"({"step":"up.run","attempt":1,"in_ms":500,
        "error":{"code":"unavailable","what":"socket refused"}})",
            6),
      event(step_finished, R"({"step":"up.run","outcome":"ok","duration_ms":1000,"result":{}})", 7),
      event(step_started, R"({"step":"web.check"})", 7),
      event(step_log, R"({"step":"web.check","level":"info","line":"GET /health: 503"})", 8),
      event(step_log, R"({"step":"web.check","level":"debug","line":"noise"})", 8),
      event(step_finished, R"({"step":"web.check","outcome":"timeout","duration_ms":60000,
        "error":{"code":"timeout","what":"web did not answer 200 within 60s",
                 "hint":"look at its log: fusebox logs web"}})",
            67),
      event(undo_started, R"({"step":"up.run"})", 67),
  };
  if (undo_fails)
    events.push_back(event(undo_finished, R"({"step":"up.run","outcome":"failed","duration_ms":900,
      "error":{"code":"io","what":"postgres does not stop"}})",
                           68));
  else
    events.push_back(
        event(undo_finished, R"({"step":"up.run","outcome":"ok","duration_ms":900})", 68));
  events.push_back(event(undo_started, R"({"step":"pull.run"})", 68));
  events.push_back(
      event(undo_finished, R"({"step":"pull.run","outcome":"ok","duration_ms":10})", 68));
  if (undo_fails)
    events.push_back(event(run_finished, R"({"run":"r2","outcome":"undo_failed","exit_code":6,
      "duration_ms":68000,"not_undone":["up.run"],"error":{"code":"timeout",
      "what":"web.check: web did not answer; not undone: up.run",
      "hint":"mend the cause and run `fusebox recover`"}})",
                           68));
  else
    events.push_back(event(run_finished, R"({"run":"r2","outcome":"undone","exit_code":1,
      "duration_ms":68000,"error":{"code":"timeout",
      "what":"web.check: web did not answer 200 within 60s",
      "hint":"look at its log: fusebox logs web"}})",
                           68));
  return events;
}

}  // namespace fusebox::test
