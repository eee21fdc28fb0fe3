// SPDX-License-Identifier: Apache-2.0
#include "report/console.hpp"

#include <doctest/doctest.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "tests/support/environment.hpp"
#include "tests/support/pty.hpp"
#include "tests/support/screen.hpp"
#include "tests/unit/report/events.hpp"

using namespace fusebox::report;
using fusebox::test::Environment;
using fusebox::test::Pty;
using fusebox::test::Screen;

namespace {

struct Terminal {
  explicit Terminal(unsigned short width, const char* locale = "C.UTF-8")
      : environment{{"LC_ALL", locale},
                    {"TERM", "xterm"},
                    {"NO_COLOR", ""},
                    {"CLICOLOR_FORCE", ""}},
        pty(width),
        screen(width) {}
  // What the terminal shows now.
  std::string shown() {
    screen.write(pty.read_all());
    return screen.text();
  }
  std::string raw_and_shown() {
    const std::string bytes = pty.read_all();
    screen.write(bytes);
    return bytes;
  }
  Environment environment;
  Pty pty;
  Screen screen;
};

std::string final_screen(const std::vector<Event>& events, Terminal& terminal,
                         ReporterOptions options = {}) {
  options.out_fd = terminal.pty.terminal();
  const auto reporter = make_reporter(options);
  for (const Event& event : events) {
    reporter->on_event(event);
    terminal.screen.write(terminal.pty.read_all());
  }
  return terminal.shown();
}

}  // namespace

TEST_CASE("a finished run leaves a line per step and no trace of what moved") {
  Terminal terminal(80);
  CHECK(final_screen(fusebox::test::successful_run(), terminal) ==
        "✔ secrets.resolve   120ms  8 secrets (no change)\n"
        "  redis.check      | slow answer\n"
        "⚠ redis.check         8ms  degraded: Redis 7.0\n"
        "    ⚠ eviction is on (127.0.0.1:6379)\n"
        "      maxmemory-policy=allkeys-lru\n"
        "      → set maxmemory-policy noeviction\n"
        "✔ pg.check           2.3s  healthy: PostgreSQL 15.8\n"
        "    → report /tmp/r\n"
        "✔ deploy done in 1m02s (3 steps, 1 with warnings)\n");
  CHECK(terminal.screen.cursor_visible());
  CHECK(terminal.screen.column() == 0);
}

TEST_CASE("a failed run ends with the failing step, why, and what to do") {
  Terminal terminal(80);
  const std::string screen = final_screen(fusebox::test::failed_run(false), terminal);
  CHECK(screen.ends_with(
      "✖ web.check   1m00s  timeout: web did not answer 200 within 60s\n"
      "    | GET /health: 503\n"
      "↶ up.run      900ms  undone\n"
      "↶ pull.run     10ms  undone\n"
      "✖ deploy failed and was undone, after 1m08s (4 steps, 1 not run; exit code 1)\n"
      "↶ undone: 2 steps\n"
      "✖ web.check: web did not answer 200 within 60s\n"
      "→ look at its log: fusebox logs web\n"));
}

TEST_CASE("a failed undo says so last, with the way out") {
  Terminal terminal(80);
  const std::string screen = final_screen(fusebox::test::failed_run(true), terminal);
  CHECK(screen.find("✖ up.run      900ms  UNDO FAILED: postgres does not stop\n") !=
        std::string::npos);
  CHECK(
      screen.ends_with("✖ UNDO FAILED: up.run: postgres does not stop\n"
                       "✖ not undone: up.run\n"
                       "→ mend the cause and run `fusebox recover`\n"));
}

TEST_CASE("running steps are shown together, with progress and elapsed time") {
  Terminal terminal(90);
  Console console({.out_fd = terminal.pty.terminal()});
  using enum EventType;
  using fusebox::test::event;
  console.on_event(event(run_started, R"({"phase":"up","steps":[["a.up","bb.up"],["c.check"]]})"));
  console.on_event(event(step_started, R"({"step":"a.up"})"));
  console.on_event(event(step_started, R"({"step":"bb.up"})"));
  console.on_event(event(step_progress, R"({"step":"a.up","done":256,"total":1024,"unit":"bytes",
    "what":"pulling"})"));
  console.on_event(event(step_progress, R"({"step":"bb.up","done":7,"unit":"rows"})"));
  console.on_event(event(step_log, R"({"step":"bb.up","level":"info","line":"copying"})"));
  const std::string shown = terminal.shown();
  CHECK(shown.find(" a.up         0s  ████░░░░░░░░░░░░  25%  256 B of 1.0 KiB  pulling\n") !=
        std::string::npos);
  CHECK(shown.find(" bb.up        0s  7 rows  copying\n") != std::string::npos);
  CHECK(shown.ends_with("  1 of 3 to go, next: c.check\n"));
  CHECK_FALSE(terminal.screen.cursor_visible());
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  CHECK(terminal.shown().find(" a.up         1s  ") != std::string::npos);
  console.on_event(event(undo_started, R"({"step":"a.up"})"));
  CHECK(terminal.shown().find(" a.up         0s  undoing  \n") == std::string::npos);
  CHECK(terminal.shown().find(" a.up         0s  undoing\n") != std::string::npos);
}

TEST_CASE("the moving part never wraps, however narrow the terminal and long the text") {
  for (const unsigned short width : std::initializer_list<unsigned short>{10, 24, 41}) {
    CAPTURE(width);
    Terminal terminal(width);
    Console console({.out_fd = terminal.pty.terminal()});
    using enum EventType;
    using fusebox::test::event;
    console.on_event(event(run_started, R"({"phase":"up","steps":[["a.up"],["b.up"]]})"));
    console.on_event(event(step_started, R"({"step":"a.up"})"));
    console.on_event(event(step_log, R"({"step":"a.up","level":"info",
      "line":"a very long line that goes on and on and on, far past any edge of a screen"})"));
    std::this_thread::sleep_for(std::chrono::milliseconds(350));
    const std::string shown = terminal.shown();
    CHECK(std::count(shown.begin(), shown.end(), '\n') == 2);
    console.on_event(event(run_finished, R"({"outcome":"ok","exit_code":0,"duration_ms":1})"));
    CHECK(terminal.shown().find("very long") == std::string::npos);
  }
}

TEST_CASE("final lines are wrapped to the width, not cut") {
  Terminal terminal(44);
  const std::string screen = final_screen(fusebox::test::failed_run(false), terminal);
  CHECK(screen.find("✖ web.check   1m00s\n    timeout: web did not answer 200 within\n    60s\n") !=
        std::string::npos);
  CHECK(
      screen.ends_with("✖ web.check: web did not answer 200 within\n  60s\n"
                       "→ look at its log: fusebox logs web\n"));
}

TEST_CASE("more steps at once than the screen has lines do not scroll it") {
  Terminal terminal(60);
  Console console({.out_fd = terminal.pty.terminal()});
  using fusebox::test::event;
  for (int i = 0; i < 40; ++i) {
    const std::string label = "step" + std::to_string(i) + ".run";
    console.on_event(event(EventType::step_started, R"({"step":")" + label + R"("})"));
    terminal.raw_and_shown();
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(250));
  const std::string shown = terminal.shown();
  CHECK(std::count(shown.begin(), shown.end(), '\n') == 22);
  CHECK(shown.ends_with("  and 19 more\n"));
}

TEST_CASE("a terminal that becomes narrower is cleaned of what it wrapped") {
  Terminal terminal(80);
  Console console({.out_fd = terminal.pty.terminal()});
  using fusebox::test::event;
  console.on_event(event(EventType::step_started, R"({"step":"a.up"})"));
  console.on_event(event(EventType::step_log, R"({"step":"a.up","level":"info",
    "line":"a line that fills most of the eighty columns that there are"})"));
  terminal.pty.read_until("there are");
  terminal.raw_and_shown();
  winsize narrow{};
  narrow.ws_col = 40;
  narrow.ws_row = 24;
  ::ioctl(terminal.pty.terminal(), TIOCSWINSZ, &narrow);
  // The line of 76 columns takes two rows now: both must go.
  CHECK(terminal.pty.read_until("\x1b[J").find("\x1b[2A\r\x1b[J") != std::string::npos);
  terminal.pty.read_all();
}

TEST_CASE("without UTF-8 there is ASCII alone") {
  Terminal terminal(80, "C");
  const std::string screen = final_screen(fusebox::test::failed_run(true), terminal);
  CHECK(std::all_of(screen.begin(), screen.end(), [](char c) { return c > 0; }));
  CHECK(screen.find("x web.check   1m00s  timeout: ") != std::string::npos);
}

TEST_CASE("colours are there when wanted, and not with NO_COLOR or --no-color") {
  const auto raw = [](Terminal& terminal, ReporterOptions options) {
    options.out_fd = terminal.pty.terminal();
    Console console(options);
    for (const Event& event : fusebox::test::failed_run(false)) console.on_event(event);
    return terminal.raw_and_shown();
  };
  Terminal terminal(80);
  CHECK(raw(terminal, {}).find("\x1b[1;31m") != std::string::npos);
  CHECK(raw(terminal, {.no_color = true}).find("\x1b[1;31m") == std::string::npos);
  const Environment environment{{"NO_COLOR", "1"}};
  CHECK(raw(terminal, {}).find("\x1b[1;31m") == std::string::npos);
}

TEST_CASE("verbose shows what plugins say; quiet what went wrong alone, and nothing moves") {
  Terminal verbose(80);
  const std::string all = final_screen(fusebox::test::successful_run(), verbose, {.verbose = true});
  CHECK(all.find("  secrets.resolve  | 8 names\n") != std::string::npos);
  CHECK(all.find("    latency 1.5ms, memory 1.2 GiB\n") != std::string::npos);
  Terminal quiet(80);
  CHECK(final_screen(fusebox::test::successful_run(), quiet, {.quiet = true}) == "\n");
  Terminal failed(80);
  const std::string wrong = final_screen(fusebox::test::failed_run(true), failed, {.quiet = true});
  CHECK(wrong.starts_with("✖ web.check   1m00s  timeout: "));
  CHECK(wrong.find("pull.run") == std::string::npos);
}

TEST_CASE("skipped and cancelled steps say why") {
  using enum EventType;
  using fusebox::test::event;
  Terminal terminal(80);
  const std::string screen = final_screen(
      {event(step_finished, R"({"step":"a.b","outcome":"skipped"})"),
       event(step_finished, R"({"step":"c.d","outcome":"skipped","error":{"what":"no drive"}})"),
       event(step_finished, R"({"step":"e.f","outcome":"cancelled","duration_ms":1200,
         "error":{"what":"stopped"}})"),
       event(step_log, R"({"step":"e.f","level":"error","line":"bad"})")},
      terminal);
  CHECK(screen ==
        "↷ a.b          skipped\n↷ c.d          no drive\n⚠ e.f    1.2s  stopped\n"
        "  e.f  | bad\n");
}

TEST_CASE("a console that goes before its run ended takes the moving part away") {
  Terminal terminal(80);
  {
    Console console({.out_fd = terminal.pty.terminal()});
    console.on_event(fusebox::test::event(EventType::step_started, R"({"step":"a.up"})"));
    CHECK(terminal.shown().find("a.up") != std::string::npos);
  }
  CHECK(terminal.shown() == "\n");
  CHECK(terminal.screen.cursor_visible());
}

TEST_CASE("a console shows one run after another") {
  Terminal terminal(80);
  Console console({.out_fd = terminal.pty.terminal()});
  for (int i = 0; i < 3; ++i)
    for (const Event& event : fusebox::test::successful_run()) {
      console.on_event(event);
      terminal.raw_and_shown();
    }
  const std::string shown = terminal.shown();
  CHECK(shown.find("of 3 to go") == std::string::npos);
  CHECK(terminal.screen.cursor_visible());
}

TEST_CASE("Ctrl-C without a handler gives the cursor back") {
  Terminal terminal(80);
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGINT, SIG_DFL);
    Console console({.out_fd = terminal.pty.terminal()});
    console.on_event(fusebox::test::event(EventType::step_started, R"({"step":"a.up"})"));
    ::kill(::getpid(), SIGINT);
    for (;;) ::pause();
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGINT);
  terminal.shown();
  CHECK(terminal.screen.cursor_visible());
}
