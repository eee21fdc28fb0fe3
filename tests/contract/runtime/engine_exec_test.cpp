// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>

#include "engine_rig.hpp"
#include "support/pty.hpp"

using namespace engine_test;

TEST_CASE("a program runs in the service, with its own descriptors and exit code") {
  require_engine();
  Rig rig;
  rig.start("db", "sleep 60");
  rig.host.secrets["PASSWORD"] = "s3cr\"et\\";
  std::string out;
  std::string err;
  const Answer answer =
      rig.exec({{"service", "db"},
                {"command", {"sh", "-c", "cat; echo $NAME $TOKEN; echo oops >&2; exit 7"}},
                {"environment",
                 json::object{{"NAME", "x"}, {"TOKEN", json::object{{"$secret", "PASSWORD"}}}}}},
               "from stdin\n", out, err);
  CHECK(answer.what == "");
  CHECK(answer.text == R"({"exit_code":7})");
  CHECK(out == "from stdin\nx s3cr\"et\\\n");
  CHECK(err == "oops\n");
}

TEST_CASE("much input and much output go through whole, and the end of input arrives") {
  require_engine();
  Rig rig;
  rig.start("db", "sleep 60");
  std::string input;
  for (int i = 0; input.size() < 8'000'000; ++i) input += std::to_string(i) + "\n";
  std::string out;
  std::string err;
  CHECK(rig.exec({{"service", "db"}, {"command", {"cat"}}}, input, out, err).text ==
        R"({"exit_code":0})");
  CHECK((out == input));
  CHECK(rig.exec({{"service", "db"}, {"command", {"sh", "-c", "head -c 10 >/dev/null; exit 3"}}},
                 input, out, err)
            .text == R"({"exit_code":3})");
}

TEST_CASE("what cannot run is told apart from what ran and failed") {
  require_engine();
  Rig rig;
  rig.start("db", "sleep 60");
  rig.create("idle", "sleep 60");
  std::string out;
  std::string err;
  const Answer unknown =
      rig.exec({{"service", "db"}, {"command", {"no-such-program"}}}, "", out, err);
  CHECK(unknown.rc == FBX_NOT_FOUND);
  CHECK(unknown.what.find("no-such-program") != std::string::npos);
  CHECK(out == "");
  CHECK(rig.exec({{"service", "db"}, {"command", {"sh", "-c", "exit 127"}}}, "", out, err).text ==
        R"({"exit_code":127})");
  CHECK(rig.exec({{"service", "idle"}, {"command", {"sh"}}}, "", out, err).rc == FBX_UNAVAILABLE);
  CHECK(rig.exec({{"service", "db"}, {"command", json::array{}}}, "", out, err).rc == FBX_ARGUMENT);
}

TEST_CASE("cancelling a program comes back at once") {
  require_engine();
  Rig rig;
  rig.start("db", "sleep 60");
  int wake[2];
  REQUIRE(::pipe(wake) == 0);
  rig.host.cancel_fd = wake[0];
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    CHECK(::write(wake[1], "x", 1) == 1);
  });
  const fbx::common::Stopwatch watch;
  const Answer answer = rig.ask([&](auto& runtime, fbx::Op& op) {
    return runtime.exec(op, R"({"service":"db","command":["sleep","30"]})", -1, -1, -1);
  });
  later.join();
  ::close(wake[0]);
  ::close(wake[1]);
  rig.host.cancel_fd = -1;
  CHECK(answer.rc == FBX_CANCELLED);
  CHECK(watch.ms() < 2000);
}

TEST_CASE(
    "with a terminal the program sees one of the terminal's size, and it comes back as it was") {
  require_engine();
  Rig rig;
  rig.start("db", "sleep 60");
  std::string out;
  std::string err;
  fusebox::test::Pty pty(77, 33);
  termios before{};
  ::tcgetattr(pty.terminal(), &before);
  const Answer sized = rig.ask([&](auto& runtime, fbx::Op& op) {
    return runtime.exec(
        op,
        R"({"service":"db","tty":true,"command":["sh","-c","sleep 0.5; stty size; echo $TERM"]})",
        pty.terminal(), pty.terminal(), -1);
  });
  CHECK(sized.text == R"({"exit_code":0})");
  CHECK(pty.read_until("77").find("33 77") != std::string::npos);
  termios after{};
  ::tcgetattr(pty.terminal(), &after);
  CHECK(after.c_lflag == before.c_lflag);
  CHECK(after.c_iflag == before.c_iflag);
  // Without a terminal on our side it has one all the same.
  const Answer answer = rig.exec(
      {{"service", "db"}, {"tty", true}, {"command", {"sh", "-c", "test -t 1 && echo terminal"}}},
      "", out, err);
  CHECK(answer.text == R"({"exit_code":0})");
  CHECK(out == "terminal\r\n");
}
