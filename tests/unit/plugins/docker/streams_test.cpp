// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <boost/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "common/compose_runtime/log_reader.hpp"
#include "common/docker/events.hpp"
#include "common/docker/exec.hpp"
#include "common/docker/frames.hpp"
#include "script.hpp"

using namespace engine_script;
using std::chrono::milliseconds;

namespace {

const std::string event_of_a =
    R"({"Type":"container","Action":"health_status: healthy","Actor":{"ID":"aa","Attributes":{"name":"p-a-1"}},"timeNano":5})"
    "\n";

// A pipe's two ends.
class Pipe {
 public:
  Pipe() { REQUIRE(::pipe(ends_) == 0); }
  ~Pipe() {
    close_in();
    ::close(ends_[0]);
  }
  int out() const { return ends_[0]; }
  int in() const { return ends_[1]; }
  void close_in() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }
  std::string read_all() {
    close_in();
    std::string text;
    char piece[4096];
    for (ssize_t n = 0; (n = ::read(ends_[0], piece, sizeof piece)) > 0;)
      text.append(piece, static_cast<std::size_t>(n));
    return text;
  }

 private:
  int ends_[2] = {-1, -1};
};

docker::Exec exec_of(std::vector<std::string> command) {
  docker::Exec exec;
  exec.container = "aa";
  exec.command = std::move(command);
  return exec;
}

constexpr const char* upgraded =
    "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";

// An engine that makes an exec, and answers its start as told.
Answers exec_answers(fusebox::test::UnixServer::Handler start, int code = 0) {
  return {
      {"POST /containers/aa/exec", says(R"({"Id":"ee"})", 201)},
      {"POST /exec/ee/start", std::move(start)},
      {"GET /exec/ee/json", says(R"({"Running":false,"ExitCode":)" + std::to_string(code) + "}")}};
}

}  // namespace

TEST_CASE("frames come out the same wherever the stream is torn") {
  const std::string stream =
      frame(1, "hello ") + frame(2, "") + frame(1, "world\n") + frame(2, std::string(300, 'e'));
  for (std::size_t size = 1; size <= stream.size(); ++size) {
    docker::Frames frames;
    std::string out;
    std::string err;
    int ends = 0;
    for (std::size_t at = 0; at < stream.size(); at += size)
      frames.feed(std::string_view(stream).substr(at, size),
                  [&](docker::Channel channel, std::string_view piece, docker::Frames::Part part) {
                    (channel == docker::Channel::err ? err : out) += piece;
                    ends += part == docker::Frames::Part::last ? 1 : 0;
                  });
    CHECK(out == "hello world\n");
    CHECK(err == std::string(300, 'e'));
    CHECK(ends == 4);
    CHECK(frames.between());
  }
  docker::Frames frames;
  CHECK_THROWS_AS(frames.feed("HTTP/1.1 ", [](auto, auto, auto) {}), fbx::Error);
}

TEST_CASE("events are whole lines, however they arrive") {
  Script script({{"GET /events", [](Conversation& talk) {
                    const std::string two = event_of_a + "\n" + event_of_a;
                    talk.answer_in_chunks(200, two, 3);
                  }}});
  docker::Engine engine = script.engine();
  docker::Events events(engine, {});
  const fbx::common::Deadline deadline(script.call.op(), milliseconds(5000));
  for (int i = 0; i < 2; ++i) {
    const auto event = events.next(deadline, milliseconds(2000));
    REQUIRE(event);
    CHECK(event->action == "health_status: healthy");
    CHECK(event->id == "aa");
  }
  const Thrown gone = thrown([&] { events.next(deadline, milliseconds(2000)); });
  CHECK(gone.rc == FBX_UNAVAILABLE);
}

TEST_CASE("waiting looks again after an event, and not before") {
  std::atomic<bool> healthy{false};
  Script script(
      {{"GET /events",
        [&](Conversation& talk) {
          talk.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
          talk.pause(milliseconds(300));
          healthy = true;
          talk.send("1000\r\n");
          talk.send(event_of_a + std::string(0x1000 - event_of_a.size(), '\n') + "\r\n");
          talk.pause(milliseconds(5000));
        }},
       {"GET /containers/json",
        [&](Conversation& talk) {
          talk.answer(200, healthy ? R"([{"Id":"aa","State":"running"}])" : "[]");
        }},
       {"GET /containers/aa/json",
        says(R"({"Id":"aa","State":{"Status":"running","Health":{"Status":"healthy"}}})")}});
  docker::Engine engine = script.engine();
  int looks = 0;
  const auto ready =
      docker::wait_for(engine, {}, fbx::common::Deadline(script.call.op(), milliseconds(5000)),
                       [&](const auto& all) {
                         ++looks;
                         return all.empty() ? docker::Watch::wait : docker::Watch::done;
                       });
  CHECK(ready == fbx::common::Ready::yes);
  CHECK(looks == 2);
}

TEST_CASE("a program's output comes through, however it arrives, and its input's end gets there") {
  std::string received;
  Script script(exec_answers(
      [&](Conversation& talk) {
        talk.send(upgraded + frame(1, "early "));
        for (std::string piece = talk.receive(); !piece.empty(); piece = talk.receive())
          received += piece;
        for (const char c : frame(1, "late\n") + frame(2, "oops\n")) talk.send({&c, 1});
        talk.hang_up();
      },
      7));
  docker::Engine engine = script.engine();
  Pipe in;
  Pipe out;
  Pipe err;
  REQUIRE(::write(in.in(), "question", 8) == 8);
  in.close_in();
  CHECK(docker::run_exec(engine, exec_of({"x"}), in.out(), out.in(), err.in()) == 7);
  CHECK(received == "question");
  CHECK(out.read_all() == "early late\n");
  CHECK(err.read_all() == "oops\n");
}

TEST_CASE("secrets of a program's environment are in its request alone, and whole") {
  std::string body;
  Answers answers = exec_answers([](Conversation& talk) {
    talk.send(upgraded);
    talk.hang_up();
  });
  answers["POST /containers/aa/exec"] = [&](Conversation& talk) {
    body = talk.body;
    talk.answer(201, R"({"Id":"ee"})");
  };
  Script script(answers);
  docker::Engine engine = script.engine();
  docker::Exec exec = exec_of({"x"});
  exec.environment.emplace_back("A=quote \" backslash \\ newline \n end");
  exec.environment.emplace_back("B=");
  CHECK(docker::run_exec(engine, exec, -1, -1, -1) == 0);
  const auto sent = boost::json::parse(body);
  CHECK(sent.at("Env").at(0).as_string() == "A=quote \" backslash \\ newline \n end");
  CHECK(sent.at("Env").at(1).as_string() == "B=");
  CHECK(sent.at("AttachStdin") == false);
}

TEST_CASE("an engine that refuses, breaks off or is silent fails the program's run") {
  Script refusing(exec_answers(says(R"({"message":"container aa is not running"})", 409)));
  docker::Engine engine = refusing.engine();
  const Thrown refused = thrown([&] { docker::run_exec(engine, exec_of({"x"}), -1, -1, -1); });
  CHECK(refused.rc == FBX_CONFLICT);
  CHECK(refused.what.find("container aa is not running") != std::string::npos);

  Script leaving(exec_answers([](Conversation& talk) { talk.hang_up(); }));
  docker::Engine left = leaving.engine();
  CHECK(thrown([&] { docker::run_exec(left, exec_of({"x"}), -1, -1, -1); }).rc == FBX_UNAVAILABLE);

  Script garbled(exec_answers([](Conversation& talk) {
    talk.send(std::string(upgraded) + "this is no frame at all");
    talk.hang_up();
  }));
  docker::Engine noisy = garbled.engine();
  CHECK(thrown([&] { docker::run_exec(noisy, exec_of({"x"}), -1, -1, -1); }).rc == FBX_IO);
}

TEST_CASE("a program that is not in the image is told by the engine's words and the exit code") {
  const std::string words = "OCI runtime exec failed: exec failed: \"x\": not found\r\n";
  Script missing(exec_answers(
      [&](Conversation& talk) {
        talk.send(upgraded + frame(1, words));
        talk.hang_up();
      },
      126));
  docker::Engine engine = missing.engine();
  Pipe out;
  CHECK(thrown([&] { docker::run_exec(engine, exec_of({"x"}), -1, out.in(), -1); }).rc ==
        FBX_NOT_FOUND);
  CHECK(out.read_all() == "");

  Script quoting(exec_answers([&](Conversation& talk) {
    talk.send(upgraded + frame(1, words));
    talk.hang_up();
  }));
  docker::Engine other = quoting.engine();
  Pipe kept;
  CHECK(docker::run_exec(other, exec_of({"x"}), -1, kept.in(), -1) == 0);
  CHECK(kept.read_all() == words);
}

TEST_CASE("a log's lines are the same wherever its stream is torn") {
  const std::string t = "2026-11-24T10:00:00.123456789Z ";
  const std::string log = frame(1, t + "one\n") + frame(1, t + "a long ") +
                          frame(2, t + "between\n") + frame(1, t + "line\n") +
                          frame(1, t + "unfinished");
  for (const std::size_t size : {1U, 3U, 8U, 40U, 10000U}) {
    CAPTURE(size);
    Script script(
        {{"GET /log", [&](Conversation& talk) { talk.answer_in_chunks(200, log, size); }}});
    docker::Engine engine = script.engine();
    fbx::compose_runtime::LogReader reader("a", "aa", engine.open("GET", "/log"), false);
    const fbx::common::Deadline deadline(script.call.op(), milliseconds(5000));
    std::vector<std::string> lines;
    while (!reader.ended()) {
      if (const auto* line = reader.peek()) {
        CHECK(line->time == "2026-11-24T10:00:00.123456789Z");
        lines.push_back(line->text);
        reader.pop();
      } else {
        REQUIRE(!deadline.passed());
        engine.transfers().turn(deadline);
      }
    }
    CHECK(lines == std::vector<std::string>{"one", "between", "a long line", "unfinished"});
  }
  CHECK(fbx::compose_runtime::since_after("2026-11-24T10:00:00.999999999Z") ==
        "1795514401.000000000");
  CHECK(fbx::compose_runtime::since_after("2026-11-24T10:00:00.5Z") == "1795514400.500000001");
  CHECK(fbx::compose_runtime::since_after("soon") == "");
}

TEST_CASE("a reader who is slow slows the engine down instead of filling the memory") {
  std::atomic<std::size_t> sent{0};
  constexpr std::size_t piece = 65536;
  constexpr std::size_t all = 400 * piece;
  Script script({{"GET /log", [&](Conversation& talk) {
                    talk.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(all) +
                              "\r\n\r\n");
                    while (sent < all && talk.send(std::string(piece, 'x'))) sent += piece;
                  }}});
  docker::Engine engine = script.engine();
  docker::Stream stream = engine.open("GET", "/log");
  const fbx::common::Deadline deadline(script.call.op(), milliseconds(20000));
  for (int i = 0; i < 50; ++i) engine.transfers().turn(deadline, milliseconds(5));
  CHECK(stream.bytes().size() <= std::size_t{2} << 20U);
  CHECK(sent < all);
  std::size_t got = 0;
  while (!stream.ended() || !stream.bytes().empty()) {
    REQUIRE(!deadline.passed());
    got += stream.bytes().size();
    stream.consume(stream.bytes().size());
    if (!stream.ended()) engine.transfers().turn(deadline);
  }
  stream.check();
  CHECK(got == all);
}

TEST_CASE("an upload goes out as it is fed, and a refusal in the middle of it is heard") {
  std::string received;
  Script script({{"PUT /taken",
                  [&](Conversation& talk) {
                    while (received.find("0\r\n\r\n") == std::string::npos)
                      received += talk.receive();
                    talk.answer(200, "");
                  }},
                 {"PUT /refused", [](Conversation& talk) {
                    talk.answer(500, R"({"message":"no space left on device"})");
                    talk.hang_up();
                  }}});
  docker::Engine engine = script.engine();
  const fbx::common::Deadline deadline(script.call.op(), milliseconds(10000));
  docker::Stream taken = engine.open("PUT", "/taken", "application/x-tar");
  for (int i = 0; i < 3; ++i) {
    taken.feed("part" + std::to_string(i));
    engine.transfers().turn(deadline, milliseconds(20));
  }
  taken.finish();
  while (!taken.ended()) engine.transfers().turn(deadline);
  taken.check();
  CHECK(taken.status() == 200);
  CHECK(received.find("part0") < received.find("part2"));

  docker::Stream refused = engine.open("PUT", "/refused", "application/x-tar");
  while (!refused.answered() && !refused.ended()) {
    if (refused.hungry()) refused.feed(std::string(10000, 'x'));
    engine.transfers().turn(deadline);
  }
  const Thrown why = thrown([&] { engine.check_status(refused); });
  CHECK(why.what.find("no space left on device") != std::string::npos);
}
