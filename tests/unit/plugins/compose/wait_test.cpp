// SPDX-License-Identifier: Apache-2.0
#include "common/compose/wait.hpp"

#include <doctest/doctest.h>

using namespace fbx::compose;
using fbx::docker::ContainerDetails;
using fbx::docker::Health;
using fbx::docker::State;

namespace {

Model model(int replicas = 1) {
  Model result;
  ServiceModel db;
  db.name = "db";
  db.replicas = replicas;
  ServiceModel init;
  init.name = "init";
  ServiceModel web;
  web.name = "web";
  web.depends_on = {{"init", "service_completed_successfully"}, {"db", "service_healthy"}};
  result.services = {db, init, web};
  return result;
}

ContainerDetails container(State state, Health health = Health::none, int exit_code = 0,
                           int restarts = 0) {
  ContainerDetails details;
  details.summary.state = state;
  details.health = health;
  details.exit_code = exit_code;
  details.restarts = restarts;
  return details;
}

Readiness judged(const ContainerDetails& details, const char* service = "db") {
  return judge_service(model(), service, {details}).readiness;
}

}  // namespace

TEST_CASE("D01 only healthy is healthy: starting waits, unhealthy and exited fail") {
  CHECK(judged(container(State::running, Health::healthy)) == Readiness::ready);
  CHECK(judged(container(State::running, Health::starting)) == Readiness::waiting);
  CHECK(judged(container(State::running, Health::unhealthy)) == Readiness::failed);
  CHECK(judged(container(State::exited, Health::none, 1)) == Readiness::failed);
  CHECK(judged(container(State::exited, Health::none, 0)) == Readiness::failed);
  CHECK(judged(container(State::exited, Health::healthy, 0)) == Readiness::failed);
  CHECK(judged(container(State::dead)) == Readiness::failed);
  CHECK(judged(container(State::paused)) == Readiness::failed);
  CHECK(judged(container(State::created)) == Readiness::waiting);
  CHECK(judged(container(State::restarting, Health::none, 1, 1)) == Readiness::waiting);
}

TEST_CASE("D01 without a health check, running is all that the engine can say") {
  CHECK(judged(container(State::running)) == Readiness::ready);
}

TEST_CASE("a service that another step watches need only run") {
  const auto judged_running = [](const ContainerDetails& details) {
    return judge_service(model(), "db", {details}, Until::running).readiness;
  };
  CHECK(judged_running(container(State::running, Health::starting)) == Readiness::ready);
  CHECK(judged_running(container(State::exited, Health::none, 1)) == Readiness::failed);
  CHECK(judged_running(container(State::running, Health::unhealthy, 0, 3)) == Readiness::failed);
}

TEST_CASE("D01 a service that ends again and again has failed, although it always runs a moment") {
  CHECK(judged(container(State::running, Health::none, 0, 3)) == Readiness::failed);
  CHECK(judged(container(State::restarting, Health::none, 1, 3)) == Readiness::failed);
  CHECK(judged(container(State::running, Health::healthy, 0, 9)) == Readiness::ready);
}

TEST_CASE("D03 a service without a container, or with too few, has failed") {
  const auto none = judge_service(model(), "db", {});
  CHECK(none.readiness == Readiness::failed);
  CHECK(none.why == "has no container");
  const auto few = judge_service(model(2), "db", {container(State::running)});
  CHECK(few.readiness == Readiness::failed);
  CHECK(few.why == "has 1 of 2 containers");
}

TEST_CASE("a service that others wait for to end is ready when it ended with 0") {
  CHECK(judged(container(State::exited, Health::none, 0), "init") == Readiness::ready);
  CHECK(judged(container(State::exited, Health::none, 2), "init") == Readiness::failed);
  CHECK(judged(container(State::running), "init") == Readiness::waiting);
}

TEST_CASE("why a service failed is told with what its check or its end said") {
  ContainerDetails sick = container(State::running, Health::unhealthy);
  sick.health_output = "connection refused";
  CHECK(judge_service(model(), "db", {sick}).why == "is unhealthy: connection refused");
  ContainerDetails killed = container(State::exited, Health::none, 137);
  killed.oom_killed = true;
  CHECK(judge_service(model(), "db", {killed}).why ==
        "exited with code 137 (killed: out of memory)");
}

TEST_CASE("of several containers the worst counts") {
  CHECK(judge_service(model(2), "db",
                      {container(State::running, Health::healthy),
                       container(State::running, Health::unhealthy)})
            .readiness == Readiness::failed);
}
