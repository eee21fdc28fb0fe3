// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "common/docker/events.hpp"
#include "engine_rig.hpp"

using namespace engine_test;

namespace {

// A health check every 100 ms.
json::object check(const std::string& script, int retries = 1) {
  return {{"Healthcheck", json::object{{"Test", json::array{"CMD-SHELL", script}},
                                       {"Interval", 100'000'000},
                                       {"Timeout", 2'000'000'000},
                                       {"Retries", retries}}}};
}

compose_runtime::Layout layout_of(const std::vector<std::string>& names) {
  compose_runtime::Layout layout;
  for (const std::string& name : names) {
    compose_runtime::Layout::Service service;
    service.name = name;
    layout.services.push_back(service);
  }
  return layout;
}

}  // namespace

TEST_CASE("D05 state and health are the engine's own words, never parts of a text") {
  require_engine();
  Rig rig;
  rig.layout = layout_of(
      {"good", "bad", "starting", "plain", "ended", "failed", "made", "frozen", "absent"});
  rig.start("good", "sleep 60", check("true"));
  rig.start("bad", "sleep 60", check("echo no answer; exit 1"));
  rig.start("starting", "sleep 60", check("exit 1", 1000));
  rig.start("plain", "sleep 60");
  rig.start("ended", "exit 0");
  rig.start("failed", "exit 3");
  rig.create("made", "sleep 60");
  const std::string frozen = rig.start("frozen", "sleep 60");
  rig.engine().post("/containers/" + frozen + "/pause");
  CHECK(eventually([&] { return rig.service("good", "health") == "healthy"; }));
  CHECK(eventually([&] { return rig.service("bad", "health") == "unhealthy"; }));
  CHECK(eventually([&] { return rig.service("failed", "state") == "exited"; }));
  CHECK(rig.service("good", "state") == "running");
  CHECK(rig.service("bad", "state") == "running");
  CHECK(rig.service("bad", "reason") == "no answer");
  CHECK(rig.service("starting", "health") == "starting");
  CHECK(rig.service("plain", "health") == "none");
  CHECK(rig.service("plain", "exit_code").is_null());
  CHECK(rig.service("ended", "exit_code") == 0);
  CHECK(rig.service("failed", "exit_code") == 3);
  CHECK(rig.service("made", "state") == "created");
  CHECK(rig.service("frozen", "state") == "paused");
  CHECK(rig.service("absent", "state") == "missing");
  CHECK(rig.service("good", "version") == "1");
  CHECK(rig.service("good", "image") == Rig::image());
}

TEST_CASE("without the Compose files, what the engine has counts as what should be there") {
  require_engine();
  Rig rig;
  CHECK(rig.services().text == R"({"services":[]})");
  rig.start("b", "sleep 60");
  rig.start("a", "sleep 60",
            {{"Labels", json::object{{std::string(docker::label::depends_on),
                                      "b:service_healthy:false,c:service_started:true"}}}});
  const json::value answer = json::parse(rig.services().text);
  REQUIRE(answer.at("services").as_array().size() == 2);
  CHECK(answer.at("services").at(0).at("name") == "a");
  CHECK(answer.at("services").at(0).at("depends_on") == json::array{"b", "c"});
  const Answer unknown = rig.services({{"services", {"nobody"}}});
  CHECK(unknown.rc == FBX_NOT_FOUND);
  CHECK(unknown.hint == "its services: a, b");
}

TEST_CASE("of several containers of a service the worst speaks, and one-off containers do not") {
  require_engine();
  Rig rig;
  rig.start("web", "sleep 60");
  rig.start("web", "exit 7");
  rig.start("web", "exit 9",
            {{"Labels", json::object{{std::string(docker::label::oneoff), "True"}}}});
  CHECK(eventually([&] { return rig.service("web", "state") == "exited"; }));
  CHECK(rig.service("web", "exit_code") == 7);
  CHECK(rig.service("web", "replicas") == 2);
}

TEST_CASE("a restarted container is counted, and says why it ended") {
  require_engine();
  Rig rig;
  rig.start("again", "sleep 0.2; exit 5",
            {{"HostConfig", json::object{{"RestartPolicy", json::object{{"Name", "always"}}}}}});
  CHECK(eventually([&] {
    const auto restarts = rig.service("again", "restarts");
    return restarts.is_int64() && restarts.as_int64() >= 2;
  }));
}

TEST_CASE("an endpoint is the published port, else the container's own address") {
  require_engine();
  Rig rig;
  rig.start(
      "web", "sleep 60",
      {{"ExposedPorts", json::object{{"3000/tcp", json::object{}}, {"9/tcp", json::object{}}}},
       {"Labels", json::object{{"dev.orbstack.http-port", "3000"}}},
       {"HostConfig",
        json::object{{"PortBindings",
                      json::object{{"3000/tcp", json::array{json::object{{"HostIp", "127.0.0.1"},
                                                                         {"HostPort", ""}}}}}}}}});
  const json::value ports = rig.service("web", "ports");
  REQUIRE(ports.as_array().size() == 1);
  CHECK(ports.at(0).at("host") == "127.0.0.1");
  CHECK(ports.at(0).at("target") == 3000);
  const auto published = ports.at(0).at("port").as_int64();
  const json::value place = json::parse(rig.endpoint({{"service", "web"}, {"port", 3000}}).text);
  CHECK(place.at("host") == "127.0.0.1");
  CHECK(place.at("port") == published);
  CHECK(place.at("url").as_string() == "http://127.0.0.1:" + std::to_string(published));
  CHECK(json::parse(rig.endpoint({{"service", "web"}, {"port", published}}).text) == place);

  const json::value inside = json::parse(rig.endpoint({{"service", "web"}, {"port", 9}}).text);
  CHECK(inside.at("port") == 9);
  CHECK(inside.at("host") != "127.0.0.1");

  rig.create("idle", "sleep 60");
  const Answer idle = rig.endpoint({{"service", "idle"}, {"port", 1}});
  CHECK(idle.rc == FBX_UNAVAILABLE);
  CHECK(idle.what == "service idle does not run: its container is created");
  CHECK(rig.endpoint({{"service", "nobody"}}).rc == FBX_NOT_FOUND);
}

TEST_CASE("a container in the machine's own network is reached on the loopback") {
  require_engine();
  Rig rig;
  rig.start("web", "sleep 60", {{"HostConfig", json::object{{"NetworkMode", "host"}}}});
  CHECK(rig.endpoint({{"service", "web"}, {"port", 3000}}).text ==
        R"({"host":"127.0.0.1","port":3000})");
}

TEST_CASE("a port that nothing reaches is refused with what to do") {
  require_engine();
  Rig rig;
  rig.start("web", "sleep 60", {{"HostConfig", json::object{{"NetworkMode", "none"}}}});
  const Answer answer = rig.endpoint({{"service", "web"}, {"port", 3000}});
  CHECK(answer.rc == FBX_UNAVAILABLE);
  CHECK(answer.hint.find("docker-compose.loopback.yml") != std::string::npos);
}

TEST_CASE("D01 waiting goes on while a container is starting, and ends by its events") {
  require_engine();
  Rig rig;
  rig.start("slow", "sleep 0.5; touch /tmp/ready; sleep 60", check("test -e /tmp/ready", 1000));
  Call call;
  docker::Engine engine(call.op(), docker::find_engine({}));
  const fbx::common::Deadline deadline(call.op(), std::chrono::seconds(20));
  std::vector<docker::Health> seen;
  const auto ready = docker::wait_for(
      engine, docker::of_project(rig.project), deadline,
      [&](const std::vector<docker::ContainerDetails>& all) {
        REQUIRE(all.size() == 1);
        seen.push_back(all[0].health);
        return seen.back() == docker::Health::healthy ? docker::Watch::done : docker::Watch::wait;
      });
  CHECK(ready == fbx::common::Ready::yes);
  CHECK(seen.front() == docker::Health::starting);
  // Looks follow events: a loop that polls would have looked far more often.
  CHECK(seen.size() <= 4);

  const auto never =
      docker::wait_for(engine, docker::of_project(rig.project),
                       fbx::common::Deadline(call.op(), std::chrono::milliseconds(300)),
                       [](const auto&) { return docker::Watch::wait; });
  CHECK(never == fbx::common::Ready::timed_out);

  call.host.cancelled = true;
  CHECK_THROWS_AS(docker::wait_for(engine, docker::of_project(rig.project),
                                   fbx::common::Deadline(call.op(), std::chrono::seconds(5)),
                                   [](const auto&) { return docker::Watch::wait; }),
                  fbx::Error);
}

TEST_CASE("asking for six services costs milliseconds") {
  require_engine();
  Rig rig;
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) rig.start(name, "sleep 60");
  std::vector<double> times;
  for (int i = 0; i < 20; ++i) {
    const fbx::common::Stopwatch watch;
    CHECK(rig.services().rc == FBX_OK);
    times.push_back(watch.ms());
  }
  std::sort(times.begin(), times.end());
  MESSAGE("median of 20: ", times[10], " ms");
  CHECK(times[10] < 100);
}
