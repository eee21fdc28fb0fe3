// SPDX-License-Identifier: Apache-2.0
// Updates of Langfuse that go wrong, in each way that the stand-ins know: the exit code, the
// message, and what runs afterwards.
#include "e2e/docker/docker_stacks.hpp"
#include "support/engine/docker.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using fusebox::test::contains;
using fusebox::test::deploy;
using fusebox::test::LangfuseStack;
using fusebox::test::tag;

namespace {

// What the update's failure is told with: the service, and the reason.
struct Update {
  std::string tag;
  std::string says;
};

void check_old_release_runs(const LangfuseStack& stack) {
  CHECK(tag(stack, "langfuse-web") == "4.16.0");
  CHECK(tag(stack, "langfuse-worker") == "4.16.0");
  CHECK(contains(stack.ask("langfuse-web", 3000, "/api/public/health"), R"("version":"4.16.0")"));
  CHECK(contains(stack.ask("langfuse-worker", 3030, "/api/health"), R"("status":"ok")"));
}

void fail_and_go_back(const LangfuseStack& stack, const std::vector<Update>& updates) {
  const auto postgres = stack.container("postgres");
  for (const auto& update : updates) {
    INFO("update to " << update.tag);
    stack.lock_langfuse(update.tag);
    const auto ended = stack({"deploy"});
    INFO(ended.all());
    CHECK(ended.exit_code == 1);
    CHECK(contains(ended.out, update.says));
    check_old_release_runs(stack);
    CHECK(stack.container("postgres") == postgres);
    stack.lock_langfuse("4.16.0");
  }
  // Nothing is left to decide: the same stack updates to a good release.
  stack.lock_langfuse("4.17.0");
  deploy(stack);
  CHECK(tag(stack, "langfuse-web") == "4.17.0");
  CHECK(tag(stack, "langfuse-worker") == "4.17.0");
}

}  // namespace

TEST_CASE("D15 D16 a web that does not come up is told why, and the old release runs again") {
  LangfuseStack::skip_without_images();
  const LangfuseStack stack;
  stack.hurry();
  deploy(stack);
  fail_and_go_back(stack, {{"4.17.0-crash", "exit"},
                           {"4.17.0-wrong-version", "4.0.1"},
                           {"4.17.0-unavailable", "503"},
                           {"4.17.0-database", "Database not available"},
                           {"4.17.0-hang", "langfuse-web"}});
}

TEST_CASE("D15 a worker that does not work is told why, and web goes back with it") {
  LangfuseStack::skip_without_images();
  const LangfuseStack stack;
  stack.hurry();
  deploy(stack);
  fail_and_go_back(stack, {{"4.17.0-worker-crash", "langfuse-worker"},
                           {"4.17.0-stuck", "queue"},
                           {"4.17.0-propagation-stuck", "propagation"}});
}
