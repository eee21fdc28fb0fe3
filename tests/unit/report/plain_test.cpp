// SPDX-License-Identifier: Apache-2.0
#include "report/plain.hpp"

#include <doctest/doctest.h>

#include "tests/unit/report/events.hpp"
#include "tests/unit/report/sink.hpp"

using namespace fusebox::report;
using fusebox::test::Sink;

namespace {

struct Level {
  bool quiet = false;
  bool verbose = false;
};

std::string plain(const std::vector<Event>& events, Level level = {}) {
  Sink sink;
  const auto reporter =
      make_reporter({.quiet = level.quiet, .verbose = level.verbose, .out_fd = sink.fd()});
  for (const Event& event : events) reporter->on_event(event);
  return sink.text();
}

std::string tail(const std::string& text, int lines) {
  std::size_t at = text.size();
  for (int i = 0; i <= lines && at != std::string::npos && at > 0; ++i)
    at = text.rfind('\n', at - 1);
  return at == std::string::npos ? text : text.substr(at + 1);
}

}  // namespace

TEST_CASE("a successful run is a line per event") {
  CHECK(plain(fusebox::test::successful_run()) ==
        "2026-05-09T03:00:00Z deploy: started, 3 steps, run r1\n"
        "2026-05-09T03:00:00Z secrets.resolve: started\n"
        "2026-05-09T03:00:01Z secrets.resolve: ok in 120ms: 8 secrets (no change)\n"
        "2026-05-09T03:00:01Z pg.check: started\n"
        "2026-05-09T03:00:01Z redis.check: started\n"
        "2026-05-09T03:00:01Z redis.check: | warn: slow answer\n"
        "2026-05-09T03:00:02Z redis.check: warning in 8ms: degraded: Redis 7.0\n"
        "2026-05-09T03:00:02Z redis.check: ! eviction is on (127.0.0.1:6379)\n"
        "2026-05-09T03:00:02Z redis.check: maxmemory-policy=allkeys-lru\n"
        "2026-05-09T03:00:02Z redis.check: -> set maxmemory-policy noeviction\n"
        "2026-05-09T03:00:03Z pg.check: ok in 2.3s: healthy: PostgreSQL 15.8\n"
        "2026-05-09T03:00:03Z pg.check: -> report /tmp/r\n"
        "2026-05-09T03:01:02Z + deploy done in 1m02s (3 steps, 1 with warnings)\n");
}

TEST_CASE("verbose adds log lines, metrics and what else a result holds") {
  const std::string text = plain(fusebox::test::successful_run(), {.verbose = true});
  CHECK(text.find("secrets.resolve: | 8 names\n") != std::string::npos);
  CHECK(text.find("redis.check: latency 1.5ms, memory 1.2 GiB\n") != std::string::npos);
  CHECK(text.find("redis.check: extra: [1,2]\n") != std::string::npos);
  CHECK(text.find("redis.check: * no replica\n") != std::string::npos);
}

TEST_CASE("quiet says nothing of a run that went well") {
  CHECK(plain(fusebox::test::successful_run(), {.quiet = true}).empty());
}

TEST_CASE("a failed run ends with the failing step, why, and what to do") {
  const std::string text = plain(fusebox::test::failed_run(false));
  CHECK(text.find("up.run: attempt 1 failed: socket refused; trying again in 500ms\n") !=
        std::string::npos);
  CHECK(text.find("web.check: TIMEOUT after 1m00s: web did not answer 200 within 60s\n"
                  "2026-05-09T03:01:07Z web.check: | GET /health: 503\n"
                  "2026-05-09T03:01:07Z web.check: -> look at its log: fusebox logs web\n") !=
        std::string::npos);
  CHECK(text.find("noise") == std::string::npos);
  CHECK(tail(text, 4) ==
        "2026-05-09T03:01:08Z x deploy failed and was undone, after 1m08s (4 steps, 1 not run; "
        "exit code 1)\n"
        "2026-05-09T03:01:08Z < undone: 2 steps\n"
        "2026-05-09T03:01:08Z x web.check: web did not answer 200 within 60s\n"
        "2026-05-09T03:01:08Z -> look at its log: fusebox logs web\n");
}

TEST_CASE("a failed undo cannot be missed, also in quiet") {
  const std::string text = plain(fusebox::test::failed_run(true), {.quiet = true});
  CHECK(text.find("up.run: UNDO FAILED after 900ms: postgres does not stop\n") !=
        std::string::npos);
  CHECK(text.find("pull.run") == std::string::npos);
  CHECK(tail(text, 3) ==
        "2026-05-09T03:01:08Z x UNDO FAILED: up.run: postgres does not stop\n"
        "2026-05-09T03:01:08Z x not undone: up.run\n"
        "2026-05-09T03:01:08Z -> mend the cause and run `fusebox recover`\n");
}

TEST_CASE("every unhealthy check is named at the end, with its own remedy") {
  using enum EventType;
  using fusebox::test::event;
  const std::string text = plain({
      event(run_started, R"({"run":"r3","phase":"health","steps":[["a.check","b.check"]]})"),
      event(step_finished, R"({"step":"a.check","outcome":"ok","duration_ms":5,"result":{
        "status":"unhealthy","summary":"no answer","findings":[
          {"severity":"warning","what":"w","remedy":"later"},
          {"severity":"error","what":"refused","remedy":"start a"}]}})"),
      event(step_finished, R"({"step":"b.check","outcome":"failed","duration_ms":5,
        "error":{"what":"b.check: denied","hint":"check the password"}})"),
      event(run_finished, R"({"outcome":"unhealthy","exit_code":3,"duration_ms":9,
        "error":{"what":"a.check: unhealthy","hint":"check the password"}})"),
  });
  CHECK(tail(text, 5) ==
        "2026-05-09T03:00:00Z x health is not healthy, after 9ms (2 steps; exit code 3)\n"
        "2026-05-09T03:00:00Z x a.check: unhealthy: no answer\n"
        "2026-05-09T03:00:00Z -> start a\n"
        "2026-05-09T03:00:00Z x b.check: denied\n"
        "2026-05-09T03:00:00Z -> check the password\n");
}

TEST_CASE("every outcome of a run has its words") {
  using fusebox::test::event;
  const auto end = [](const std::string& outcome, int code) {
    return plain({event(EventType::run_finished,
                        R"({"outcome":")" + outcome + R"(","duration_ms":5,"exit_code":)" +
                            std::to_string(code) + R"(,"error":{"what":"why"}})")});
  };
  CHECK(end("failed", 1) ==
        "2026-05-09T03:00:00Z x run failed after 5ms (0 steps; exit code 1)\n"
        "2026-05-09T03:00:00Z x why\n");
  CHECK(end("cancelled", 130).find("! run was interrupted after 5ms") != std::string::npos);
  CHECK(end("findings", 5).find("x run has findings, after 5ms") != std::string::npos);
  CHECK(end("skipped", 75).find("- run was skipped in part, in 5ms") != std::string::npos);
}

TEST_CASE("skipped and cancelled steps say why") {
  using enum EventType;
  using fusebox::test::event;
  const std::string text = plain({
      event(step_finished, R"({"step":"a.b","outcome":"skipped","error":{"what":"no drive"}})"),
      event(step_finished, R"({"step":"c.d","outcome":"cancelled","duration_ms":1200})"),
      event(step_finished, R"({"step":"e.f","outcome":"failed","duration_ms":1,
        "error":{"what":"denied"}})"),
  });
  CHECK(text ==
        "2026-05-09T03:00:00Z a.b: skipped: no drive\n"
        "2026-05-09T03:00:00Z c.d: cancelled after 1.2s\n"
        "2026-05-09T03:00:00Z e.f: FAILED after 1ms: denied\n");
}

TEST_CASE("progress is told every ten seconds") {
  using fusebox::test::event;
  const char* data =
      R"({"step":"a.b","done":536870912,"total":1073741824,"unit":"bytes","what":"pulling"})";
  std::vector<Event> events;
  for (int second = 0; second < 25; ++second)
    events.push_back(event(EventType::step_progress, data, second));
  events.push_back(event(EventType::step_progress, R"({"step":"c.d","done":1})", 0));
  events.push_back(event(EventType::step_progress, R"({"step":"c.d","done":7,"unit":"rows"})", 10));
  CHECK(plain(events) ==
        "2026-05-09T03:00:10Z a.b: pulling: 512.0 MiB of 1.0 GiB\n"
        "2026-05-09T03:00:20Z a.b: pulling: 512.0 MiB of 1.0 GiB\n"
        "2026-05-09T03:00:10Z c.d: 7 rows\n");
  CHECK(plain(events, {.quiet = true}).empty());
}

TEST_CASE("what a plugin says cannot forge a line or move a cursor") {
  using fusebox::test::event;
  CHECK(plain({event(EventType::step_log,
                     R"({"step":"a.b","level":"error","line":"x\nforged: line\u001b[2J"})")}) ==
        "2026-05-09T03:00:00Z a.b: | error: x forged: line\n");
}

TEST_CASE("a process that cleans up after another knows the phase by the end of the run") {
  using fusebox::test::event;
  const auto end = [](const char* outcome, int code) {
    return event(EventType::run_finished, R"({"phase":"deploy","duration_ms":1200,"outcome":")" +
                                              std::string(outcome) + R"(","exit_code":)" +
                                              std::to_string(code) + "}");
  };
  CHECK(plain({end("undone", 1)}) ==
        "2026-05-09T03:00:00Z x deploy failed and was undone, after 1.2s (0 steps; exit code 1)\n");
  CHECK(plain({end("undone", 0)}) ==
        "2026-05-09T03:00:00Z < deploy was undone, after 1.2s (0 steps)\n");
  CHECK(plain({end("forgotten", 0)}) ==
        "2026-05-09T03:00:00Z ! deploy was closed as it stands, after 1.2s (0 steps)\n");
}
