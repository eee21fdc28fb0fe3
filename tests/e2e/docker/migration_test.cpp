// SPDX-License-Identifier: Apache-2.0
// The one rule above all others, on real containers: nothing ends langfuse-web while it migrates.
#include "e2e/docker/docker_stacks.hpp"
#include "support/child.hpp"
#include "support/engine/docker.hpp"
#include "support/search.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

using fusebox::test::Ended;
using namespace std::chrono_literals;
using fusebox::test::contains;

namespace {

bool comes(const std::function<bool()>& what) {
  const auto end = std::chrono::steady_clock::now() + 120s;
  while (std::chrono::steady_clock::now() < end) {
    if (what()) return true;
    std::this_thread::sleep_for(100ms);
  }
  return false;
}

class Langfuse : public fusebox::test::LangfuseStack {
 public:
  // A deploy in the background, whose output goes to deploy.log.
  fusebox::test::Child deploy() const {
    fusebox::test::ChildSpec spec;
    spec.command = {fusebox::test::fusebox_program().string(), "-v"};
    spec.command.insert(spec.command.end(), options_.begin(), options_.end());
    spec.command.emplace_back("deploy");
    spec.cwd = box_.path();
    spec.log = box_ / "deploy.log";
    for (const auto& entry : box_.environment(environment_)) {
      const auto equals = entry.find('=');
      spec.environment[entry.substr(0, equals)] = entry.substr(equals + 1);
    }
    return fusebox::test::Child(spec);
  }
  std::string said() const { return fusebox::test::slurp(box_ / "deploy.log"); }
  bool answers() const {
    return contains(ask("langfuse-web", 3000, "/api/public/health"), R"("status":"OK")");
  }
};

// Until the slow update is in the middle of a migration of ClickHouse.
void begin_slow_update(const Langfuse& stack, fusebox::test::Child& deploy) {
  const auto first = stack({"deploy"});
  INFO(first.all());
  REQUIRE(first.exit_code == 0);
  stack.lock_langfuse("4.17.0-slow");
  deploy = stack.deploy();
  const bool is_migrating = comes([&] { return contains(stack.said(), "half-way"); });
  INFO(stack.said());
  REQUIRE(is_migrating);
}

// Whatever became of fusebox, web lives on and ends its work; then a deploy does the rest.
void check_web_ends_its_work(const Langfuse& stack, const std::string& web) {
  CHECK(stack.container("langfuse-web") == web);
  CHECK(stack.inspect("langfuse-web", "{{.State.Status}} {{.RestartCount}}") == "running 0");
  CHECK(comes([&] { return stack.answers(); }));
  CHECK(stack.container("langfuse-web") == web);
  CHECK(stack({"recover", "--forget"}).exit_code == 0);
  const auto again = stack({"deploy"});
  INFO(again.all());
  CHECK(again.exit_code == 0);
  CHECK(stack.container("langfuse-web") == web);
  CHECK(contains(stack.image("langfuse-worker"), "4.17.0-slow"));
}

// On a machine under load the migration may be over before undo looks: then the schema has moved.
void check_refusal(const std::string& text) {
  INFO(text);
  const bool is_migrating = contains(text, "a schema migration is under way");
  CHECK((is_migrating || contains(text, "the schema has moved from")));
  if (is_migrating) CHECK(contains(text, "leave langfuse-web running"));
  CHECK(contains(text, "fusebox recover --forget"));
}

}  // namespace

TEST_CASE("kill -9 while web migrates: recovery leaves web alone, and a deploy does the rest") {
  Langfuse::skip_without_images();
  const Langfuse stack;
  fusebox::test::Child deploy;
  begin_slow_update(stack, deploy);
  const auto web = stack.container("langfuse-web");
  deploy.stop(SIGKILL);
  const auto undone = stack({"recover", "--undo"});
  CHECK(undone.exit_code == 6);
  check_refusal(undone.all());
  check_web_ends_its_work(stack, web);
}

TEST_CASE("Ctrl-C while web migrates: undo stops before web, and a deploy does the rest") {
  Langfuse::skip_without_images();
  const Langfuse stack;
  fusebox::test::Child deploy;
  begin_slow_update(stack, deploy);
  const auto web = stack.container("langfuse-web");
  deploy.stop(SIGINT, 30s);
  CHECK(deploy.wait() == 6);
  check_refusal(stack.said());
  check_web_ends_its_work(stack, web);
}
