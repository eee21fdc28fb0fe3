// SPDX-License-Identifier: Apache-2.0
#include "runtime-process/crew.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "runtime-process/wait.hpp"
#include "support/fake_host.hpp"

using namespace runtime_process;
using fusebox::test::FakeHost;
using namespace std::chrono_literals;

namespace {

struct Bench {
  FakeHost host;
  fbx_op raw{&host, {}};
  fbx::Op op{&fusebox::test::fake::table, &raw};
  std::mutex mutex;
  std::vector<std::string> order;

  std::function<void(Crew&)> note(std::string name, std::chrono::milliseconds time = 0ms) {
    return [this, name = std::move(name), time](Crew&) {
      std::this_thread::sleep_for(time);
      const std::lock_guard lock(mutex);
      order.push_back(name);
    };
  }
  std::ptrdiff_t place(const std::string& name) {
    return std::find(order.begin(), order.end(), name) - order.begin();
  }
};

}  // namespace

TEST_CASE("a task starts after those that it depends on") {
  Bench bench;
  Crew(bench.op).run({{"web", {"db", "cache"}, bench.note("web")},
                      {"db", {}, bench.note("db", 30ms)},
                      {"cache", {"db"}, bench.note("cache")}});
  CHECK(bench.order == std::vector<std::string>{"db", "cache", "web"});
}

TEST_CASE("tasks that depend on nothing run at the same time") {
  Bench bench;
  const auto start = std::chrono::steady_clock::now();
  Crew(bench.op).run({{"a", {}, bench.note("a", 200ms)},
                      {"b", {}, bench.note("b", 200ms)},
                      {"c", {"elsewhere"}, bench.note("c", 200ms)}});
  CHECK(std::chrono::steady_clock::now() - start < 500ms);
  CHECK(bench.order.size() == 3);
}

TEST_CASE("the first failure stops the others, keeps the rest from starting, and is thrown") {
  Bench bench;
  Crew crew(bench.op);
  const Wait wait(bench.op, &crew.stopping());
  const auto start = std::chrono::steady_clock::now();
  CHECK_THROWS_WITH(crew.run({{"bad", {}, [](Crew&) { throw fbx::Error(FBX_IO, "disk on fire"); }},
                              {"slow", {}, [&](Crew&) { wait.pause(10s, "waiting"); }},
                              {"later", {"bad"}, bench.note("later")}}),
                    "disk on fire");
  CHECK(std::chrono::steady_clock::now() - start < 5s);
  CHECK(bench.order.empty());
}

TEST_CASE("a checkpoint is written on the thread of the op") {
  Bench bench;
  std::thread::id writer;
  bench.host.on_checkpoint = [&](std::string_view) { writer = std::this_thread::get_id(); };
  Crew(bench.op).run({{"a", {}, [](Crew& crew) { crew.checkpoint(R"({"start":"a"})"); }}});
  CHECK(writer == std::this_thread::get_id());
  CHECK(bench.host.checkpoints == std::vector<std::string>{R"({"start":"a"})"});
}
