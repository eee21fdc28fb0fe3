// SPDX-License-Identifier: Apache-2.0
#include "util/subprocess.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include "tests/support/pty.hpp"
#include "tests/support/temp_dir.hpp"
#include "util/cancel.hpp"
#include "util/error.hpp"
#include "util/fd.hpp"
#include "util/fs.hpp"

namespace util = fusebox::util;
using fusebox::Errc;
using fusebox::test::TempDir;
using util::ProcessSpec;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

struct Ran {
  util::ProcessResult result;
  std::string out;
  std::string err;
};

Ran run(const ProcessSpec& spec, util::Deadline deadline = steady_clock::now() + 20s,
        const util::CancelToken* cancel = nullptr) {
  Ran ran;
  ran.result = util::run_process(
      spec, [&](std::string_view bytes) { ran.out += bytes; },
      [&](std::string_view bytes) { ran.err += bytes; }, deadline, cancel);
  return ran;
}

ProcessSpec shell(const std::string& script) {
  ProcessSpec spec;
  spec.command = {"sh", "-c", script};
  return spec;
}

fusebox::Error error_of(const ProcessSpec& spec,
                        util::Deadline deadline = steady_clock::now() + 20s,
                        const util::CancelToken* cancel = nullptr) {
  try {
    run(spec, deadline, cancel);
  } catch (const fusebox::Error& error) {
    return error;
  }
  return fusebox::Error(Errc::internal, "nothing was thrown");
}

bool alive(pid_t pid) { return ::kill(pid, 0) == 0; }

bool gone_within(pid_t pid, std::chrono::milliseconds time) {
  const auto until = steady_clock::now() + time;
  while (steady_clock::now() < until) {
    if (!alive(pid)) return true;
    // A killed grandchild may wait for its new parent to reap it.
    const std::string stat = fmt::format("/proc/{}/stat", pid);
    try {
      if (util::read_file(stat, 4096).find(") Z ") != std::string::npos) return true;
    } catch (const fusebox::Error&) {
    }
    std::this_thread::sleep_for(5ms);
  }
  return false;
}

}  // namespace

TEST_CASE("output, error output and exit code come back") {
  const Ran ran = run(shell("echo out; echo err >&2; exit 7"));
  CHECK(ran.out == "out\n");
  CHECK(ran.err == "err\n");
  CHECK(ran.result.exit_code == 7);
  CHECK(ran.result.signal == 0);
  CHECK_FALSE(ran.result.ok());
  CHECK(run(shell("true")).result.ok());
}

TEST_CASE("a program that dies of a signal says which") {
  const Ran ran = run(shell("kill -9 $$"));
  CHECK(ran.result.signal == SIGKILL);
  CHECK(ran.result.exit_code == 128 + SIGKILL);
}

TEST_CASE("much input and much output at once do not block each other") {
  std::string input;
  for (int i = 0; i < 200'000; ++i) input += fmt::format("{:09}\n", i);
  ProcessSpec spec = shell("tee /dev/stderr");
  spec.stdin_bytes = input;
  const Ran ran = run(spec);
  CHECK(ran.out == input);
  CHECK(ran.err == input);
}

TEST_CASE("a program that does not read its input is no error, and no SIGPIPE for us") {
  const std::string input(1'000'000, 'x');
  ProcessSpec spec = shell("exec 0<&-; echo done");
  spec.stdin_bytes = input;
  CHECK(run(spec).out == "done\n");
}

TEST_CASE("without input a program reads the end of it at once") {
  CHECK(run(shell("cat; echo end")).out == "end\n");
}

TEST_CASE("output nobody wants goes to /dev/null") {
  ProcessSpec spec = shell("echo out; echo err >&2; readlink /proc/self/fd/1 | grep -q pipe");
  const auto result = util::run_process(spec, {}, {}, steady_clock::now() + 20s, nullptr);
  CHECK(result.exit_code == 0);
}

TEST_CASE("the environment is ours with the changes asked for") {
  ::setenv("FBX_TEST_KEPT", "kept", 1);
  ::setenv("FBX_TEST_REMOVED", "removed", 1);
  ::setenv("FBX_TEST_SET", "old", 1);
  ProcessSpec spec = shell("echo $FBX_TEST_KEPT,${FBX_TEST_REMOVED-none},$FBX_TEST_SET");
  spec.environment = {"FBX_TEST_SET=new"};
  spec.unset = {"FBX_TEST_REMOVED"};
  CHECK(run(spec).out == "kept,none,new\n");
}

TEST_CASE("an environment block is used as it stands") {
  char first[] = "ONLY=this";
  char* block[] = {first, nullptr};
  ProcessSpec spec;
  spec.command = {"/usr/bin/env"};
  spec.envp = block;
  CHECK(run(spec).out == "ONLY=this\n");
}

TEST_CASE("a program runs in the folder asked for") {
  const TempDir dir;
  ProcessSpec spec = shell("pwd -P");
  spec.cwd = dir.path();
  CHECK(run(spec).out == std::filesystem::canonical(dir.path()).string() + "\n");
  spec.cwd = dir / "gone";
  const auto error = error_of(spec);
  CHECK(error.code() == Errc::not_found);
  CHECK(std::string(error.what()).find("cannot enter the folder " + (dir / "gone").string()) == 0);
}

TEST_CASE("a program that is not there is told apart from one that may not run") {
  ProcessSpec spec;
  spec.command = {"fbx-no-such-program"};
  const auto missing = error_of(spec);
  CHECK(missing.code() == Errc::not_found);
  CHECK(std::string(missing.what()) == "cannot find the program fbx-no-such-program in PATH");
  CHECK(missing.hint() == "install it, or add its folder to PATH");

  spec.command = {"/fbx/no/such"};
  CHECK(error_of(spec).code() == Errc::not_found);

  const TempDir dir;
  util::write_file_atomic(dir / "plain", "#!/bin/sh\n", 0644);
  spec.command = {(dir / "plain").string()};
  CHECK(error_of(spec).code() == Errc::denied);

  spec.command = {};
  CHECK(error_of(spec).code() == Errc::argument);
}

TEST_CASE("no descriptor of ours is inherited") {
  const util::UniqueFd leak(::open("/dev/null", O_RDONLY));                   // without CLOEXEC
  CHECK(run(shell("ls -A /proc/self/fd | tr '\\n' ' '")).out == "0 1 2 3 ");  // 3: ls's own
}

TEST_CASE("signals are as a program expects them, whatever we do with ours") {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  CHECK(run(shell("kill -PIPE $$; echo ignored")).result.signal == SIGPIPE);
  std::signal(SIGPIPE, before);
}

TEST_CASE("a deadline ends the whole group") {
  const auto started = steady_clock::now();
  std::string out;
  ProcessSpec spec = shell("sleep 60 & echo $!; sleep 60");
  try {
    util::run_process(
        spec, [&](std::string_view bytes) { out += bytes; }, {}, started + 200ms, nullptr);
    FAIL("it should have thrown");
  } catch (const fusebox::Error& error) {
    CHECK(error.code() == Errc::timeout);
    CHECK(std::string(error.what()).find("sh did not end within ") == 0);
  }
  CHECK(steady_clock::now() - started < 4s);
  REQUIRE_FALSE(out.empty());
  CHECK(gone_within(std::stoi(out), 2s));
}

TEST_CASE("cancelling stops a program, and lets it finish its last words") {
  util::CancelToken cancel;
  std::string out;
  ProcessSpec spec = shell("trap 'echo bye; exit' TERM; echo ready; while :; do sleep 0.02; done");
  try {
    util::run_process(
        spec,
        [&](std::string_view bytes) {
          out += bytes;
          if (out == "ready\n") cancel.cancel();
        },
        {}, std::nullopt, &cancel);
    FAIL("it should have thrown");
  } catch (const fusebox::Error& error) {
    CHECK(error.code() == Errc::cancelled);
    CHECK(std::string(error.what()).find("sh was stopped after ") == 0);
  }
  CHECK(out == "ready\nbye\n");
}

TEST_CASE("a program that ignores SIGTERM is killed when the grace is over") {
  util::CancelToken cancel;
  cancel.cancel();
  ProcessSpec spec = shell("trap '' TERM; while :; do sleep 0.05; done");
  spec.grace = 150ms;
  const auto started = steady_clock::now();
  std::this_thread::sleep_for(1ms);
  CHECK(error_of(spec, std::nullopt, &cancel).code() == Errc::cancelled);
  CHECK(steady_clock::now() - started < 5s);
}

TEST_CASE("a sink that throws stops the program, and the exception comes through") {
  std::string out;
  CHECK_THROWS_WITH_AS(util::run_process(
                           shell("echo $$; sleep 60"),
                           [&](std::string_view bytes) {
                             out = bytes;
                             throw std::runtime_error("enough");
                           },
                           {}, std::nullopt, nullptr),
                       "enough", std::runtime_error);
  REQUIRE_FALSE(out.empty());
  CHECK(gone_within(std::stoi(out), 2s));
}

TEST_CASE("what a program leaves behind with its output open is not waited for") {
  const auto started = steady_clock::now();
  const Ran ran = run(shell("sleep 30 & echo $!"));
  CHECK(ran.result.ok());
  CHECK(steady_clock::now() - started < 5s);
  const pid_t left = std::stoi(ran.out);
  CHECK(alive(left));
  ::kill(left, SIGKILL);
}

TEST_CASE("an attached program uses the descriptors it was given") {
  util::Pipe in = util::make_pipe();
  util::Pipe out = util::make_pipe();
  REQUIRE(::write(in.write.get(), "hello", 5) == 5);
  in.write.reset();
  const auto result = util::run_attached(shell("cat; exit 3"), {in.read.get(), out.write.get(), -1},
                                         steady_clock::now() + 20s, nullptr);
  out.write.reset();
  char buffer[16];
  CHECK(::read(out.read.get(), buffer, sizeof buffer) == 5);
  CHECK(result.exit_code == 3);
}

TEST_CASE("at a terminal, a program stays in our process group and Ctrl-C is its own") {
  fusebox::test::Pty pty(80);
  pty.type("typed\n");
  const int terminal = pty.terminal();
  const auto before = std::signal(SIGINT, SIG_DFL);
  // It interrupts us: were the signal not ignored meanwhile, this test would end here.
  const auto result = util::run_attached(
      shell(
          "read line; echo got $line in $(cut -d ' ' -f 5 /proc/$$/stat); kill -INT $PPID; exit 4"),
      {terminal, terminal, terminal}, steady_clock::now() + 20s, nullptr);
  CHECK((std::signal(SIGINT, before) == SIG_DFL));
  CHECK(result.exit_code == 4);
  std::string said = pty.read_until("in ");
  said += pty.read_until("\n");
  CAPTURE(said);
  CHECK(said.find("got typed in ") != std::string::npos);
  CHECK(said.find(fmt::format("{}\n", ::getpgrp())) != std::string::npos);
}

TEST_CASE("an attached program has a deadline too") {
  CHECK_THROWS_AS(util::run_attached(shell("sleep 60"), {}, steady_clock::now() + 100ms, nullptr),
                  fusebox::Error);
}

TEST_CASE("programs are found in PATH, never in the current folder") {
  const auto sh = util::find_program("sh");
  REQUIRE(sh.has_value());
  CHECK(sh->is_absolute());
  CHECK(util::find_program("/bin/sh") == std::filesystem::path("/bin/sh"));
  CHECK_FALSE(util::find_program("/bin").has_value());
  CHECK_FALSE(util::find_program("").has_value());
  CHECK_FALSE(util::find_program("fbx-no-such-program").has_value());

  const TempDir dir;
  util::write_file_atomic(dir / "fbx-here", "#!/bin/sh\n", 0755);
  const std::string path = std::getenv("PATH");
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(dir.path());
  ::setenv("PATH", ("::" + path).c_str(), 1);
  CHECK_FALSE(util::find_program("fbx-here").has_value());
  ::setenv("PATH", (path + ":" + dir.path().string()).c_str(), 1);
  CHECK(util::find_program("fbx-here") == dir / "fbx-here");
  ::setenv("PATH", path.c_str(), 1);
  std::filesystem::current_path(before);
}

TEST_CASE("programs may be started from many threads at once") {
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&good, i] {
      std::string out;
      const auto result = util::run_process(
          shell(fmt::format("echo {}", i)), [&](std::string_view bytes) { out += bytes; }, {},
          steady_clock::now() + 20s, nullptr);
      if (result.ok() && out == fmt::format("{}\n", i)) ++good;
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(good == 8);
}
