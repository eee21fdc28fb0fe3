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

TEST_CASE("an image that no registry has stops the update before anything is touched") {
  LangfuseStack::skip_without_images();
  const LangfuseStack stack;
  deploy(stack);
  const auto before = stack.containers();
  stack.lock_langfuse("4.99.0");
  const auto ended = stack({"deploy"});
  INFO(ended.all());
  CHECK(ended.exit_code == 1);
  CHECK(contains(ended.out, "4.99.0"));
  CHECK(stack.containers() == before);
}

TEST_CASE("D17 a web and a worker of two versions are refused before anything is touched") {
  LangfuseStack::skip_without_images();
  const LangfuseStack stack;
  const auto file = stack.box() / "configs/versions.lock";
  stack.lock_langfuse("4.16.0");
  const auto web = stack.locked("LANGFUSE_WEB_IMAGE");
  stack.box().program({"sed", "-i", "s/langfuse-worker:.*/langfuse-worker:4.17.0/", file.string()});
  const auto ended = stack({"deploy"});
  INFO(ended.all());
  CHECK(ended.exit_code == 1);
  CHECK(contains(ended.out, "4.16.0"));
  CHECK(contains(ended.out, "4.17.0"));
  CHECK(stack.containers().empty());
}

TEST_CASE(
    "a schema that has moved is not gone back behind: deploy stops, says so, touches no data") {
  LangfuseStack::skip_without_images();
  const LangfuseStack stack;
  stack.hurry();
  deploy(stack);
  const auto volumes = stack.volumes();
  stack.lock_langfuse("4.17.0-schema");
  const auto ended = stack({"deploy"});
  INFO(ended.all());
  CHECK(ended.exit_code == 6);
  CHECK(contains(ended.out, "47"));
  CHECK(tag(stack, "langfuse-web") == "4.17.0-schema");
  CHECK(stack.volumes() == volumes);
  CHECK(stack({"up"}).exit_code == 4);  // until somebody has decided
  CHECK(stack({"recover", "--forget"}).exit_code == 0);
}

TEST_CASE("a half-done migration is told with its version, and nothing is run on top of it") {
  LangfuseStack::skip_without_images();
  const LangfuseStack stack;
  stack.hurry();
  deploy(stack);
  stack.lock_langfuse("4.17.0-dirty");
  const auto ended = stack({"deploy"});
  INFO(ended.all());
  CHECK(ended.exit_code == 6);
  CHECK(contains(ended.out, "47"));
  CHECK(contains(ended.out, "dirty"));
  CHECK(stack({"recover", "--forget"}).exit_code == 0);
}

TEST_CASE("a slow migration is waited for, and past its deadline reported and left to finish") {
  LangfuseStack::skip_without_images();
  const LangfuseStack stack;
  deploy(stack);
  SUBCASE("in time") {
    stack.lock_langfuse("4.17.0-slow");
    deploy(stack);
    CHECK(tag(stack, "langfuse-worker") == "4.17.0-slow");
  }
  SUBCASE("too late") {
    stack.hurry();
    stack.lock_langfuse("4.17.0-slow");
    const auto ended = stack({"deploy"});
    INFO(ended.all());
    CHECK(ended.exit_code == 6);
    const auto web = stack.container("langfuse-web");
    CHECK(tag(stack, "langfuse-web") == "4.17.0-slow");
    std::string answer;
    for (int tries = 0; tries < 30 && answer.empty(); ++tries)
      answer = stack.box()
                   .program({"sh", "-c",
                             fmt::format("sleep 1; docker exec {} wget -q -O - "
                                         "http://127.0.0.1:3000/api/public/health",
                                         web)})
                   .out;
    CHECK(contains(answer, "4.17.0-slow"));
    CHECK(stack({"recover", "--forget"}).exit_code == 0);
    deploy(stack);  // does the rest
    CHECK(tag(stack, "langfuse-worker") == "4.17.0-slow");
  }
}
