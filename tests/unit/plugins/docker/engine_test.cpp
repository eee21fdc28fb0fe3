// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>

#include "script.hpp"

using namespace engine_script;
namespace fs = std::filesystem;
using std::chrono::milliseconds;

namespace {

const std::string two_containers =
    R"([{"Id":"aa","Names":["/p-a-1"],"Image":"redis:7","ImageID":"sha256:1","State":"running",
         "Status":"Up 1 second","Created":1,"Labels":{"com.docker.compose.service":"a"},
         "Ports":[{"PrivatePort":6379,"Type":"tcp"}],"Mounts":[],"NetworkSettings":{"Networks":{}}},
        {"Id":"bb","Names":["/p-b-1"],"Image":"redis:7","ImageID":"sha256:1","State":"exited",
         "Labels":null,"Ports":null}])";
const std::string details_of_a =
    R"({"Id":"aa","Name":"/p-a-1","Image":"sha256:1","RestartCount":2,
        "State":{"Status":"running","Health":{"Status":"unhealthy","FailingStreak":3,
                 "Log":[{"Output":"one"},{"Output":"no\nanswer\n"}]},"StartedAt":
                 "2026-11-24T10:00:00.5Z","FinishedAt":"0001-01-01T00:00:00Z"},
        "Config":{"Image":"redis:7","Labels":{}},
        "NetworkSettings":{"Ports":{"6379/tcp":[{"HostIp":"0.0.0.0","HostPort":"1"},
                 {"HostIp":"127.0.0.1","HostPort":"2"}],"80/tcp":null},
                 "Networks":{"net":{"IPAddress":"172.18.0.2"}}}})";

Thrown listing(docker::Engine engine) {
  return thrown([&] { engine.containers({}); });
}

}  // namespace

TEST_CASE("no socket, no listener and no permission are three different things to do") {
  Call call;
  const fusebox::test::TempDir dir;
  const std::string path = (dir / "engine.sock").string();
  const auto ask = [&] {
    return listing({call.op(), docker::find_engine({"unix://" + path, ""})});
  };

  const Thrown missing = ask();
  CHECK(missing.rc == FBX_UNAVAILABLE);
  CHECK(missing.what == "the Docker engine at unix://" + path +
                            " (the config) does not run: its socket does not exist");
  CHECK(missing.hint.find("orb start") != std::string::npos);

  const int left = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  REQUIRE(::bind(left, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  ::close(left);
  const Thrown deaf = ask();
  CHECK(deaf.rc == FBX_UNAVAILABLE);
  CHECK(deaf.what.find("nobody listens there") != std::string::npos);

  // Root may open everything.
  const bool root = ::geteuid() == 0;
  if (root) {
    fs::permissions(dir.path(), fs::perms::owner_all);
    REQUIRE(::seteuid(65534) == 0);
  } else {
    fs::permissions(path, fs::perms::none);
  }
  const Thrown denied = ask();
  if (root) REQUIRE(::seteuid(0) == 0);
  CHECK(denied.rc == FBX_DENIED);
  CHECK(denied.what.find("may not open the socket") != std::string::npos);
  CHECK(denied.hint.find("usermod -aG docker") != std::string::npos);
}

TEST_CASE("a socket's path that is too long for the system is said before anything is tried") {
  Call call;
  const Thrown refused =
      listing({call.op(), docker::find_engine({"unix:///" + std::string(200, 'x'), ""})});
  CHECK(refused.rc == FBX_CONFIG);
}

TEST_CASE("what is no engine is told from an engine that fails") {
  Script web({{"GET /_ping", [](Conversation& talk) {
                 talk.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
               }}});
  CHECK(listing(web.engine()).what.find("is no Docker engine") != std::string::npos);
  Script noise({{"GET /_ping", [](Conversation& talk) {
                   talk.send("SSH-2.0-OpenSSH_9.2\r\n");
                   talk.hang_up();
                 }}});
  CHECK(listing(noise.engine()).what.find("is no Docker engine") != std::string::npos);
  Script old({{"GET /_ping", [](Conversation& talk) {
                 talk.send("HTTP/1.1 200 OK\r\nApi-Version: 1.24\r\nContent-Length: 0\r\n\r\n");
               }}});
  CHECK(listing(old.engine()).rc == FBX_UNSUPPORTED);
}

TEST_CASE("the newest version of the API that both sides speak is used") {
  Script script({{"GET /_ping",
                  [](Conversation& talk) {
                    talk.send("HTTP/1.1 200 OK\r\nApi-Version: 1.99\r\nContent-Length: 0\r\n\r\n");
                  }},
                 {"GET /containers/json", says("[]")}});
  docker::Engine engine = script.engine();
  CHECK(engine.containers({}).empty());
  CHECK(engine.api() == "/v1.47");
  CHECK(script.server.requests()[1].starts_with("GET /v1.47/containers/json?all=1&filters="));
}

TEST_CASE("an answer is read whole, wherever its chunks are torn") {
  for (const std::size_t size : {1U, 2U, 7U, 100U, 100000U}) {
    CAPTURE(size);
    Script script({{"GET /containers/json", [size](Conversation& talk) {
                      talk.answer_in_chunks(200, two_containers, size);
                    }}});
    const auto containers = script.engine().containers({});
    REQUIRE(containers.size() == 2);
    CHECK(containers[0].name == "p-a-1");
    CHECK(containers[0].label(docker::label::service) == "a");
    CHECK(containers[0].ports.at(0).target == 6379);
    CHECK(containers[1].state == docker::State::exited);
  }
}

TEST_CASE("details hold the exact health, the loopback's port first, and no time that never was") {
  Script script({{"GET /containers/aa/json", says(details_of_a)}});
  const auto details = script.engine().inspect("aa");
  CHECK(details.health == docker::Health::unhealthy);
  CHECK(details.health_output == "no answer");
  CHECK(details.restarts == 2);
  CHECK(details.finished_at.empty());
  REQUIRE(details.summary.ports.size() == 3);
  CHECK(details.summary.ports[0].target == 80);
  CHECK(details.summary.ports[1].ip == "127.0.0.1");
  CHECK(details.summary.networks.at(0).ip == "172.18.0.2");
}

TEST_CASE("a container that vanishes between two questions is left out") {
  Script script({{"GET /containers/json", says(two_containers)},
                 {"GET /containers/aa/json", says(details_of_a)}});
  docker::Engine engine = script.engine();
  const auto details = engine.inspect(engine.containers({}));
  REQUIRE(details.size() == 1);
  CHECK(details[0].summary.id == "aa");
}

TEST_CASE("an engine that goes away in the middle of an answer is said to have gone away") {
  Script script({{"GET /containers/json", [](Conversation& talk) {
                    talk.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[{\"Id\"");
                    talk.hang_up();
                  }}});
  const Thrown gone = listing(script.engine());
  CHECK(gone.rc == FBX_UNAVAILABLE);
  CHECK(gone.what.find("went away during GET /v1.41/containers/json") != std::string::npos);
}

TEST_CASE("a slow engine is waited for as long as it says something, and not longer") {
  Script silent(
      {{"GET /containers/json", [](Conversation& talk) { talk.pause(milliseconds(5000)); }}});
  const fbx::common::Stopwatch watch;
  const Thrown late = listing(silent.engine(milliseconds(300)));
  CHECK(late.rc == FBX_TIMEOUT);
  CHECK(late.what.find("did not answer GET /v1.41/containers/json within 300 ms") !=
        std::string::npos);
  CHECK(watch.ms() < 3000);

  Script stuck({{"GET /containers/json", [](Conversation& talk) {
                   talk.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[");
                   talk.pause(milliseconds(5000));
                 }}});
  CHECK(listing(stuck.engine(milliseconds(300))).what.find("stopped in the middle") !=
        std::string::npos);

  Script trickle({{"GET /containers/json", [](Conversation& talk) {
                     talk.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
                     for (const char c : std::string("[        ]")) {
                       talk.pause(milliseconds(100));
                       talk.send({&c, 1});
                     }
                   }}});
  CHECK(listing(trickle.engine(milliseconds(500))).rc == FBX_OK);
}

TEST_CASE("cancelling ends a wait at once") {
  Script script(
      {{"GET /containers/json", [](Conversation& talk) { talk.pause(milliseconds(5000)); }}});
  int wake[2];
  REQUIRE(::pipe(wake) == 0);
  script.call.host.cancel_fd = wake[0];
  std::thread later([&] {
    std::this_thread::sleep_for(milliseconds(200));
    CHECK(::write(wake[1], "x", 1) == 1);
  });
  const fbx::common::Stopwatch watch;
  CHECK(listing(script.engine()).rc == FBX_CANCELLED);
  CHECK(watch.ms() < 2000);
  later.join();
  ::close(wake[0]);
  ::close(wake[1]);
}

TEST_CASE("nonsense is an error, never an empty answer") {
  for (const char* text :
       {"", "not JSON", "[{]", "{}", "[1]", R"([{"State":"floating"}])", "null"}) {
    CAPTURE(text);
    Script script({{"GET /containers/json", says(text)}});
    CHECK(listing(script.engine()).rc == FBX_IO);
  }
}

TEST_CASE("the engine's refusals keep their words, and tell what to do next by their code") {
  const std::pair<int, fbx_rc> codes[] = {{400, FBX_IO},        {403, FBX_DENIED},
                                          {404, FBX_NOT_FOUND}, {409, FBX_CONFLICT},
                                          {500, FBX_IO},        {503, FBX_UNAVAILABLE}};
  for (const auto& [status, rc] : codes) {
    CAPTURE(status);
    Script script({{"GET /containers/json", says(R"({"message":"because\nof this"})", status)}});
    const Thrown refusal = listing(script.engine());
    CHECK(refusal.rc == rc);
    CHECK(refusal.what == "the engine refuses GET /v1.41/containers/json: because of this");
  }
}

TEST_CASE("what is so already is no error") {
  Script script({{"POST /containers/a/start", says("", 304)},
                 {"POST /containers/b/start", says("", 204)},
                 {"DELETE /containers/a", says("", 204)}});
  docker::Engine engine = script.engine();
  CHECK_FALSE(engine.start("a"));
  CHECK(engine.start("b"));
  CHECK(engine.remove_container("a"));
  CHECK_FALSE(engine.remove_container("b"));
  CHECK_FALSE(engine.image("redis:7"));
  CHECK_FALSE(engine.volume("v"));
}

TEST_CASE("an image is named as the API wants it") {
  Script script({});
  docker::Engine engine = script.engine();
  thrown([&] { engine.tag("sha256:1", "localhost:5000/a/b:1.2"); });
  CHECK(script.server.requests().back() ==
        "POST /v1.41/images/sha256%3A1/tag?repo=localhost%3A5000%2Fa%2Fb&tag=1.2");
  CHECK(docker::tag_of("localhost:5000/a/b") == "");
  CHECK(docker::tag_of("a/b:4.16.0@sha256:00") == "4.16.0");
  CHECK(docker::tag_of("sha256:abc") == "");
}
