// SPDX-License-Identifier: Apache-2.0
// Services around a stack, which a deploy may leave out.
#include "e2e/docker/docker_stacks.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

using fusebox::test::ComposeStack;
using fusebox::test::contains;
using fusebox::test::Ended;

namespace {

const std::string app = R"(services:
  app:
    image: docker.io/library/busybox:1.35.0
    command: ["sh", "-c", "trap exit TERM; while :; do sleep 1; done"]
    stop_grace_period: 2s
)";

const std::string backup = R"(services:
  app:
    labels: { stop-during-backup: "yes" }
  backup:
    image: docker.io/library/busybox:1.35.0
    command: ["sh", "-c", "trap exit TERM; while :; do sleep 1; done"]
    stop_grace_period: 2s
)";

const std::string config = R"(
[plugins.runtime-docker]
files = ["app.yml"]
overlay = ["backup.yml"]
min_disk = 0

[phases.deploy]
steps = [
  "runtime-docker.preflight",
  { step = "runtime-docker.up", with = { services = ["app"] } },
  { step = "runtime-docker.up", with = { services = ["backup"], if_defined = true, alone = true } },
]

[phases.health]
steps = ["runtime-docker.check"]
)";

std::string label_of_app(const ComposeStack& stack) {
  return stack.inspect("app", R"({{index .Config.Labels "stop-during-backup"}})");
}

void check_ended(const Ended& ended, int code) {
  INFO(ended.out);
  INFO(ended.err);
  CHECK(ended.exit_code == code);
}

}  // namespace

TEST_CASE("deploy --no-backup leaves the overlay out until the next deploy") {
  const ComposeStack stack(config, {{"app.yml", app}, {"backup.yml", backup}});
  check_ended(stack({"deploy"}), 0);
  CHECK(stack.container("backup") != "");
  CHECK(label_of_app(stack) == "yes");

  check_ended(stack({"deploy", "--no-backup"}), 0);
  CHECK(stack.container("backup") == "");
  CHECK(label_of_app(stack) == "");
  check_ended(stack({"health"}), 0);
  CHECK_FALSE(contains(stack({"ps"}).out, "backup"));
  check_ended(stack({"up"}), 0);
  CHECK(stack.container("backup") == "");

  check_ended(stack({"deploy"}), 0);
  CHECK(stack.container("backup") != "");
  CHECK(contains(stack({"ps"}).out, "backup"));
}

TEST_CASE("a deploy --no-backup that fails brings the overlay back") {
  const ComposeStack stack(config, {{"app.yml", app}, {"backup.yml", backup}});
  check_ended(stack({"deploy"}), 0);
  stack.box().write(
      "app.yml", app + "    healthcheck: { test: [CMD, \"false\"], interval: 1s, retries: 1 }\n");
  check_ended(stack({"deploy", "--no-backup"}), 1);
  CHECK(stack.container("backup") != "");
  CHECK(label_of_app(stack) == "yes");
  CHECK(contains(stack({"ps"}).out, "backup"));
}

TEST_CASE("--no-backup says when there is no overlay to leave out") {
  const ComposeStack stack("[phases.deploy]\nsteps = [\"runtime-docker.versions\"]\n",
                           {{"compose.yml", app}});
  const Ended ended = stack({"deploy", "--no-backup"});
  CHECK(ended.exit_code != 0);
  CHECK(contains(ended.err, "overlay"));
}
