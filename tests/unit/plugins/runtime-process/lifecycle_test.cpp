// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "rig.hpp"
#include "util/cancel.hpp"

using namespace runtime_test;
using namespace std::chrono_literals;

TEST_CASE("up starts services, a second up changes nothing, down keeps the data") {
  Rig rig({{"a", shell()}, {"b", shell("", {{"depends_on", {"a"}}})}});
  CHECK(summary(rig.plan("up")) == "4 actions");
  CHECK(!fs::exists(rig.data_dir()));
  CHECK(!fs::exists(rig.state_dir()));
  CHECK(summary(rig.run("up")) == "started 2 of 2 services: a, b");
  CHECK(rig.state("a") == "running");
  CHECK(rig.service("a", "health") == "healthy");
  const auto first = rig.record("a")->process;
  CHECK(rig.record("a")->started_at <= rig.record("b")->started_at);

  const Answer again = rig.run("up");
  CHECK(summary(again) == "2 services run already");
  CHECK(!changed(again));
  CHECK(rig.record("a")->process == first);
  CHECK(summary(rig.plan("up")) == "nothing to do");

  CHECK(summary(rig.run("down")) == "stopped b, a");
  CHECK(rig.state("a") == "created");
  CHECK(!runtime_process::alive(first));
  CHECK(!changed(rig.run("down")));
  CHECK(summary(rig.run("down", {{"volumes", true}})) ==
        "no service was running; removed the data of a, b");
  CHECK(!fs::exists(rig.data_dir()));
  CHECK(!fs::exists(rig.state_dir()));
}

TEST_CASE("the services that a verb names are the ones it acts on") {
  Rig rig({{"a", shell()}, {"b", shell("", {{"depends_on", {"a"}}})}, {"c", shell()}});
  CHECK(summary(rig.run("up", {{"services", {"b"}}})) == "started 2 of 2 services: a, b");
  CHECK(rig.state("c") == "missing");
  CHECK(summary(rig.run("stop", {{"services", {"a"}}})) == "stopped a");
  CHECK(rig.state("b") == "running");
  const Answer unknown = rig.run("stop", {{"services", {"x"}}});
  CHECK(unknown.rc == FBX_NOT_FOUND);
  CHECK(unknown.hint == "known services: a, b, c");
}

TEST_CASE("a service that ends before it is ready fails up, with its code and last lines") {
  Rig rig({{"a", shell("echo cannot find my config; exit 3")}});
  const Answer answer = rig.run("up");
  CHECK(answer.rc == FBX_UNAVAILABLE);
  CHECK(answer.what.starts_with("a ended with code 3 after "));
  CHECK(answer.hint.find("cannot find my config") != std::string::npos);
  CHECK(rig.state("a") == "exited");
  CHECK(rig.service("a", "exit_code") == 3);
}

TEST_CASE("a service that does not get ready fails up, and says what it waited for") {
  Rig rig(
      {{"a", shell("", {{"ready", {{"http", "http://127.0.0.1:1/ping"}, {"timeout", "300ms"}}}})}});
  const Answer answer = rig.run("up");
  CHECK(answer.rc == FBX_UNAVAILABLE);
  CHECK(answer.what ==
        "a was not ready within 300ms: cannot connect to 127.0.0.1:1: connection refused");
}

TEST_CASE("everything that can be refused is refused before any effect") {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(socket, reinterpret_cast<::sockaddr*>(&address), sizeof address);
  ::listen(socket, 1);
  ::socklen_t size = sizeof address;
  ::getsockname(socket, reinterpret_cast<::sockaddr*>(&address), &size);
  const int port = ntohs(address.sin_port);
  Rig rig({{"a", shell()},
           {"b", {{"command", {"no-such-program-here"}}}},
           {"c", shell("", {{"ports", {{"c", {{"port", port}}}}}})}});
  for (const Answer& answer : {rig.plan("up"), rig.run("up")}) {
    CHECK(answer.what ==
          fmt::format("service b: program \"no-such-program-here\" is not installed; service c: "
                      "port {} on 127.0.0.1 is not free: address already in use",
                      port));
    CHECK(answer.rc == FBX_NOT_FOUND);
  }
  CHECK(!fs::exists(rig.data_dir()));
  CHECK(rig.host.checkpoints.empty());
  ::close(socket);
}

TEST_CASE("an optional service whose program is missing is left out with a finding") {
  Rig rig({{"a", shell()}, {"b", {{"command", {"no-such-program-here"}}, {"optional", true}}}});
  const Answer answer = rig.run("up");
  CHECK(summary(answer) == "started 1 of 1 services: a");
  CHECK(json::parse(answer.text).at("findings").at(0).at("evidence").as_string() ==
        "b: service b: program \"no-such-program-here\" is not installed");
}

TEST_CASE("a changed configuration restarts the service, and says so") {
  Rig rig({{"a", shell()}, {"b", shell()}});
  rig.run("up");
  const auto b = rig.record("b")->process;
  rig.configure({{"a", shell("", {{"environment", {{"MODE", "new"}}}})}, {"b", shell()}});
  CHECK(rig.plan("up").text.find("restart a (its configuration changed)") != std::string::npos);
  CHECK(summary(rig.run("up")) == "started 1 of 2 services: a");
  CHECK(rig.host.logged("restarting a: its configuration changed"));
  CHECK(rig.record("b")->process == b);
}

TEST_CASE("another PATH, as in another shell, restarts nothing") {
  Rig rig({{"a", shell()}});
  rig.run("up");
  const std::string before = std::getenv("PATH");
  ::setenv("PATH", (before + ":/elsewhere").c_str(), 1);
  CHECK(summary(rig.run("up")) == "1 services run already");
  ::setenv("PATH", before.c_str(), 1);
}

TEST_CASE("a service that ignores its stop signal is killed after its grace, with its children") {
  Rig rig({{"a",
            shell("trap '' TERM; sleep 300 & echo $! > \"$0/child\"", {{"stop_grace", "200ms"}})}});
  rig.run("up");
  const auto child = runtime_process::identify(std::stoi(rig.data("a", "child")));
  REQUIRE(child.has_value());
  CHECK(summary(rig.run("stop")) == "stopped a");
  CHECK(rig.host.logged("a did not stop within 200ms: killing it"));
  CHECK(rig.service("a", "exit_code") == 137);
  CHECK(eventually([&] { return !runtime_process::alive(*child); }));
}

TEST_CASE("the configured signal stops a service, and its exit code is kept") {
  Rig rig({{"a", shell("trap 'exit 7' INT", {{"stop_signal", "INT"}})}});
  rig.run("up");
  rig.run("stop");
  CHECK(rig.service("a", "exit_code") == 7);
  CHECK(summary(rig.run("start")) == "started 1 of 1 services: a");
}

TEST_CASE("start refuses what was never brought up") {
  Rig rig({{"a", shell()}});
  const Answer answer = rig.run("start");
  CHECK(answer.rc == FBX_NOT_FOUND);
  CHECK(answer.what == "service a has no data yet");
}

TEST_CASE("restart stops and starts") {
  Rig rig({{"a", shell()}});
  rig.run("up");
  const auto before = rig.record("a")->process;
  CHECK(summary(rig.run("restart")) == "started 1 of 1 services: a");
  CHECK(!runtime_process::alive(before));
  CHECK(rig.record("a")->running());
}

TEST_CASE("a service gets its secrets, and no file, log or argument holds them") {
  Rig rig({{"a", shell("read -r line; [ \"$line\" = \"pass $P\" ] && [ $${#P} = 13 ] && "
                       "echo \"I know $P\" && : > \"$0/knows\"",
                       {{"environment", {{"P", "${secret:PASSWORD}"}}},
                        {"stdin", "pass ${secret:PASSWORD}\n"}})}});
  CHECK(rig.run("up").rc == FBX_OK);
  CHECK(fs::exists(rig.data_dir() / "a" / "knows"));
  CHECK(rig.log("a").find("I know ***") != std::string::npos);
  for (const auto& item : fs::recursive_directory_iterator(rig.dir.path()))
    if (item.is_regular_file())
      CHECK(runtime_process::read_file(item.path())->find("canary") == std::string::npos);
  for (const auto& id : {rig.record("a")->process, rig.record("a")->shim}) {
    const std::string line =
        runtime_process::read_file(fmt::format("/proc/{}/cmdline", id.pid)).value_or("");
    CHECK(line.find("canary") == std::string::npos);
  }
}

TEST_CASE("a service inherits no descriptor and nothing of our environment") {
  const int leaky =
      ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC, as a careless library would
  ::setenv("OUR_TOKEN", "t", 1);
  Rig rig({{"a", shell("env > \"$0/env\"")}});
  rig.run("up");
  ::close(leaky);
  std::vector<std::string> open;
  for (const auto& item :
       fs::directory_iterator(fmt::format("/proc/{}/fd", rig.record("a")->process.pid)))
    open.push_back(item.path().filename().string());
  std::sort(open.begin(), open.end());
  CHECK(open == std::vector<std::string>{"0", "1", "2"});
  CHECK(rig.data("a", "env").find("OUR_TOKEN") == std::string::npos);
}

TEST_CASE("a lock that the command holds does not live on in a service") {
  fusebox::test::TempDir dir;
  const int lock = ::open((dir / "lock").c_str(), O_RDWR | O_CREAT, 0600);
  REQUIRE(::flock(lock, LOCK_EX | LOCK_NB) == 0);
  Rig rig({{"a", shell()}});
  rig.run("up");
  ::close(lock);
  const int other = ::open((dir / "lock").c_str(), O_RDWR | O_CLOEXEC);
  CHECK(::flock(other, LOCK_EX | LOCK_NB) == 0);
  ::close(other);
}

TEST_CASE("cancellation ends a wait for readiness at once") {
  Rig rig({{"a", shell("", {{"ready", {{"command", {"false"}}, {"timeout", "60s"}}}})}});
  fusebox::util::CancelToken token;
  rig.host.cancel_fd = token.fd();
  std::thread operator_thread([&] {
    eventually([&] { return rig.record("a").has_value(); });
    token.cancel();
  });
  const auto start = std::chrono::steady_clock::now();
  const Answer answer = rig.run("up");
  operator_thread.join();
  CHECK(answer.rc == FBX_CANCELLED);
  CHECK(std::chrono::steady_clock::now() - start < 5s);
}

TEST_CASE("down also takes down what the config no longer has") {
  Rig rig({{"a", shell()}, {"old", shell()}});
  rig.run("up");
  const auto old = rig.record("old")->process;
  rig.configure({{"a", shell()}});
  CHECK(summary(rig.run("down")) == "stopped a, old");
  CHECK(!runtime_process::alive(old));
  CHECK(summary(rig.run("down", {{"volumes", true}})) ==
        "no service was running; removed the data of a, old");
  CHECK(!fs::exists(rig.data_dir()));
}
