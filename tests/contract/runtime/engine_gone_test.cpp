// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "common/docker/events.hpp"
#include "engine_rig.hpp"
#include "support/engine/docker.hpp"

using namespace engine_test;

namespace {

// An op that is under way while the engine goes.
struct Waiting {
  std::string name;
  std::function<std::string(compose_runtime::ComposeRuntime&, fbx::Op&)> body;
  Answer answer{};
  std::thread thread{};
};

}  // namespace

TEST_CASE("whatever waits for an engine that goes away says so, and works again when it is back") {
  require_engine();
  const fusebox::test::PrivateEngine engine;
  const docker::Wish wish{"unix://" + engine.socket().string(), ""};
  Rig rig(wish);
  rig.start("db", "echo up; sleep 600");

  std::vector<Waiting> all;
  all.push_back({"exec", [](auto& runtime, fbx::Op& op) {
                   return runtime.exec(op, R"({"service":"db","command":["sleep","300"]})", -1, -1,
                                       -1);
                 }});
  all.push_back({"logs", [](auto& runtime, fbx::Op& op) {
                   std::string out;
                   runtime.logs(op, R"({"follow":true})", fbx::Sink(fbx::collect(out)));
                   return out;
                 }});
  all.push_back({"wait", [&](auto&, fbx::Op& op) {
                   docker::Engine own(op, docker::find_engine(wish));
                   docker::wait_for(own, docker::of_project(rig.project),
                                    fbx::common::Deadline(op, std::chrono::seconds(120)),
                                    [](const auto&) { return docker::Watch::wait; });
                   return std::string("waited");
                 }});
  for (Waiting& one : all) one.thread = std::thread([&] { one.answer = rig.ask(one.body); });
  std::this_thread::sleep_for(std::chrono::seconds(1));
  engine.down();
  const fbx::common::Stopwatch watch;
  for (Waiting& one : all) one.thread.join();
  CHECK(watch.ms() < 15000);
  for (const Waiting& one : all) {
    CAPTURE(one.name);
    CAPTURE(one.answer.what);
    // The program was ended with its container; whether the engine lived to tell is chance.
    if (one.name == "exec" && one.answer.rc == FBX_OK) {
      CHECK(json::parse(one.answer.text).at("exit_code").to_number<int>() != 0);
      continue;
    }
    CHECK(one.answer.rc == FBX_UNAVAILABLE);
    CHECK(!one.answer.hint.empty());
  }
  const Answer away = rig.services();
  CHECK(away.rc == FBX_UNAVAILABLE);
  CHECK(away.hint.find("systemctl start docker") != std::string::npos);

  engine.up();
  CHECK(rig.services().rc == FBX_OK);
  CHECK(rig.service("db", "state") != "missing");
}
