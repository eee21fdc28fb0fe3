// SPDX-License-Identifier: Apache-2.0
// What is left when something is killed, and what the next command makes of it.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>

#include "rig.hpp"

using namespace runtime_test;
using namespace std::chrono_literals;

namespace {

json::object with_init(std::string script) {
  return shell(
      "",
      {{"init", {{"creates", "done"}, {"command", {"sh", "-c", std::move(script), "${data}"}}}}});
}

void write_record(const Rig& rig, const Record& record) {
  runtime_process::write_file_atomic(rig.state_dir() / "services" / "a.json",
                                     json::serialize(to_json(record)));
}

// Runs a verb in a child process that is killed right after checkpoint number `at`, with `after`
// more time, so that the effect may have begun. True when it came that far.
bool killed_run(Rig& rig, const char* verb, std::size_t at, std::chrono::milliseconds after) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setsid();
    std::size_t seen = 0;
    rig.host.on_checkpoint = [&](std::string_view text) {
      runtime_process::write_file_atomic(rig.dir / fmt::format("journal.{}", seen), text);
      if (++seen <= at) return;
      if (after > 0ms && ::fork() == 0) {
        ::poll(nullptr, 0, static_cast<int>(after.count()));
        ::kill(::getppid(), SIGKILL);
        ::_exit(0);
      }
      if (after == 0ms) ::kill(::getpid(), SIGKILL);
    };
    rig.run(verb);
    ::kill(::getpid(), SIGUSR1);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  rig.host.checkpoints.clear();
  for (std::size_t n = 0;; ++n) {
    const auto text = runtime_process::read_file(rig.dir / fmt::format("journal.{}", n));
    if (!text) break;
    rig.host.checkpoints.push_back(*text);
    fs::remove(rig.dir / fmt::format("journal.{}", n));
  }
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

bool nothing_left(const Rig& rig) {
  std::error_code ignored;
  for (const auto& item : fs::directory_iterator(rig.state_dir() / "services", ignored))
    if (item.path().extension() == ".json") return false;
  for (const char* name : {"a", "b", ".init-a", ".init-b"})
    if (fs::exists(rig.data_dir() / name)) return false;
  return true;
}

}  // namespace

TEST_CASE("kill -9 at every checkpoint of up, at once or a little later: undo leaves nothing") {
  for (const auto after : {0ms, 5ms, 60ms}) {
    for (std::size_t at = 0;; ++at) {
      Rig rig({{"a", with_init("sleep 0.05; : > \"$0/done\"")},
               {"b", shell("sleep 0.05", {{"depends_on", {"a"}}})}});
      const bool killed = killed_run(rig, "up", at, after);
      CAPTURE(at);
      CAPTURE(after.count());
      const Answer undone = rig.undo();
      CHECK(undone.rc == FBX_OK);
      CHECK(undone.what == "");
      CHECK(nothing_left(rig));
      CHECK(!changed(rig.undo()));
      if (!killed) break;
      REQUIRE(at < 10);
    }
  }
}

TEST_CASE("kill -9 at every checkpoint of stop and restart: undo has the services running again") {
  for (const char* verb : {"stop", "restart"}) {
    for (const auto after : {0ms, 30ms, 300ms}) {
      for (std::size_t at = 0;; ++at) {
        Rig rig({{"a", shell("trap 'sleep 0.1; exit 0' TERM")},
                 {"b", shell("", {{"depends_on", {"a"}}})}});
        rig.run("up");
        rig.run_id = "run-2";
        const bool killed = killed_run(rig, verb, at, after);
        CAPTURE(verb);
        CAPTURE(at);
        CAPTURE(after.count());
        const Answer undone = rig.undo(verb);
        CHECK(undone.what == "");
        CHECK(rig.state("a") == "running");
        CHECK(rig.state("b") == "running");
        CHECK(rig.record("a")->run == "run-1");
        if (!killed) break;
        REQUIRE(at < 10);
      }
    }
  }
}

TEST_CASE("a service that was told to stop by a killed command is started anew by up") {
  Rig rig({{"a", shell("trap 'sleep 0.4; exit 0' TERM")}});
  rig.run("up");
  CHECK(killed_run(rig, "stop", 0, 100ms));
  CHECK(rig.state("a") == "running");
  CHECK(rig.plan("up").text.find("restart a (it was told to stop)") != std::string::npos);
  CHECK(rig.run("up").what == "");
  CHECK(rig.plan("up").text.find("nothing to do") != std::string::npos);
}

TEST_CASE("a killed init is never used: the next up does it again from nothing") {
  Rig rig({{"a",
            with_init(
                "echo begun > \"$0/half\"; sleep 0.3; ls \"$0\" > \"$0/seen\"; : > \"$0/done\"")}});
  CHECK(killed_run(rig, "up", 0, 150ms));
  CHECK(!fs::exists(rig.data_dir() / "a"));
  CHECK(rig.run("up").what == "");
  CHECK(rig.data("a", "seen") == "half\nseen\n");
  CHECK(rig.state("a") == "running");
  CHECK(!fs::exists(rig.data_dir() / ".init-a"));
}

TEST_CASE("an init that fails says why, and leaves no data folder") {
  Rig rig({{"a", with_init("echo no space on device; exit 9")}});
  const Answer answer = rig.run("up");
  CHECK(answer.rc == FBX_FAILED);
  CHECK(answer.what == "a: its init ended with code 9");
  CHECK(answer.hint.find("no space on device") != std::string::npos);
  CHECK(!fs::exists(rig.data_dir() / "a"));
  rig.undo();
  CHECK(nothing_left(rig));
}

TEST_CASE("a data folder that was not made by the service's init is not touched") {
  Rig rig({{"a", with_init(": > \"$0/done\"")}});
  fs::create_directories(rig.data_dir() / "a");
  runtime_process::write_file_atomic(rig.data_dir() / "a" / "precious", "x");
  const Answer answer = rig.run("up");
  CHECK(answer.rc == FBX_CONFLICT);
  CHECK(answer.what.find("holds something but no done") != std::string::npos);
  CHECK(rig.data("a", "precious") == "x");
}

TEST_CASE("a service lives on when its shim is killed, and the next up takes it over") {
  Rig rig({{"a", shell()}});
  rig.run("up");
  const Record before = *rig.record("a");
  ::kill(before.shim.pid, SIGKILL);
  REQUIRE(eventually([&] { return !before.shim_alive(); }));
  CHECK(rig.state("a") == "running");
  CHECK(rig.plan("up").text.find("its fusebox-shim is gone") != std::string::npos);
  CHECK(rig.run("up").what == "");
  CHECK(!runtime_process::alive(before.process));
  CHECK(rig.record("a")->shim_alive());
}

TEST_CASE("a service that lost its shim can be stopped") {
  Rig rig({{"a", shell()}});
  rig.run("up");
  ::kill(rig.record("a")->shim.pid, SIGKILL);
  CHECK(summary(rig.run("stop")) == "stopped a");
  CHECK(rig.state("a") == "exited");
  CHECK(rig.service("a", "exit_code").is_null());
}

TEST_CASE("a process that got the pid later is not ours: not stopped, not reported as running") {
  Rig rig({{"a", shell()}});
  rig.run("up");
  rig.run("stop");
  Record record = *rig.record("a");
  record.process = *runtime_process::identify(::getpid());
  record.process.start_time -= 1;
  record.exit_code.reset();
  write_record(rig, record);
  CHECK(rig.state("a") == "exited");
  CHECK(summary(rig.run("stop")) == "no service was running");
  // Nor one of before the machine's last start.
  record.process = *runtime_process::identify(::getpid());
  record.boot = "another";
  write_record(rig, record);
  CHECK(rig.state("a") == "exited");
  CHECK(summary(rig.run("stop")) == "no service was running");
}

TEST_CASE("a service that is killed is told as such, and its children go with it") {
  Rig rig({{"a", shell("setsid sh -c 'echo $$ > \"$0/child\"; exec sleep 300' \"$0\" & while [ ! "
                       "-s \"$0/child\" ]; do sleep 0.01; done")}});
  rig.run("up");
  const auto child = runtime_process::identify(std::stoi(rig.data("a", "child")));
  REQUIRE(child.has_value());
  ::kill(rig.record("a")->process.pid, SIGKILL);
  CHECK(eventually([&] { return rig.record("a")->exit_code == 137; }));
  CHECK(!runtime_process::alive(*child));
  CHECK(rig.state("a") == "exited");
}
