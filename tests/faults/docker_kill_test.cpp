// SPDX-License-Identifier: Apache-2.0
// kill -9 at every journal boundary of an update of real containers: the next command says so,
// `recover` brings back what ran before with its data, and the update can be made again.
#include "e2e/docker/docker_stacks.hpp"
#include "support/engine/docker.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <thread>

using fusebox::test::ComposeStack;
using fusebox::test::docker;
using fusebox::test::Ended;
namespace fs = std::filesystem;

namespace {

const std::string busybox = "docker.io/library/busybox:1.35.0";

const std::string config = R"(
[plugins.runtime-docker]
min_disk = 0

[phases.deploy]
on_failure = "undo"
steps = [
  "runtime-docker.preflight",
  "runtime-docker.pull",
  { step = "runtime-docker.up", with = { services = ["store"] } },
  { step = "runtime-docker.up", with = { services = ["app"] } },
]
)";

// Both services are made anew when `release` changes.
std::string compose_file(const std::string& release) {
  return fmt::format(R"(x-service: &service
  image: {}
  environment: {{ RELEASE: "{}" }}
  command: ["sh", "-c", "echo $$RELEASE >>/data/releases; exec sleep 3600"]
  stop_signal: SIGKILL
  healthcheck: {{ test: ["CMD", "test", "-s", "/data/releases"], interval: 500ms, retries: 20 }}
services:
  store: {{ <<: *service, volumes: ["store:/data"] }}
  app: {{ <<: *service, volumes: ["app:/data"], depends_on: [store] }}
volumes: {{ store: {{}}, app: {{}} }}
)",
                     busybox, release);
}

class TwoServices : public ComposeStack {
 public:
  TwoServices() : ComposeStack(config, {{"compose.yaml", compose_file("one")}}) {}

  void put(const std::string& release) const { box().write("compose.yaml", compose_file(release)); }

  // Kills fusebox at its nth boundary; 0: never, only counts.
  Ended deploy_with_fault(long at, const std::string& who) const {
    fs::remove(box() / "boundaries");
    return with({{"LD_PRELOAD", FUSEBOX_KILL_LIBRARY},
                 {"FAULT_COUNT", (box() / "boundaries").string()},
                 {"FAULT_AT", std::to_string(at)},
                 {"FAULT_WHEN", "after"},
                 {"FAULT_WHO", who}},
                {"deploy"});
  }

  void expect_release(const std::string& release) const {
    for (const auto* service : {"store", "app"}) {
      INFO(service);
      CHECK(inspect(service, "{{.State.Health.Status}}") == "healthy");
      CHECK(inspect(service, "{{json .Config.Env}}").find("RELEASE=" + release) !=
            std::string::npos);
    }
  }
};

void succeed(const Ended& ended) { REQUIRE_MESSAGE(ended.exit_code == 0, ended.all()); }

void kill_and_recover(const TwoServices& stack, long at, const std::string& who) {
  CAPTURE(at);
  CAPTURE(who);
  stack.put("two");
  const auto killed = stack.deploy_with_fault(at, who);
  INFO(killed.all());
  CHECK(killed.exit_code != 0);

  const auto next = stack({"up"});
  INFO(next.all());
  if (next.exit_code ==
      4) {  // a run whose first record is not on disk, or whose end is, is not open
    CHECK(next.err.find("recover") != std::string::npos);
    const auto recovered = stack({"recover", "--undo"});
    INFO(recovered.all());
    CHECK(recovered.exit_code == 0);
    stack.expect_release("one");
    succeed(stack({"deploy"}));
  } else {
    CHECK(next.exit_code == 0);
  }
  stack.expect_release("two");
  // The data of the first release has lived through all of this.
  CHECK(docker({"exec", stack.container("store"), "head", "-n", "1", "/data/releases"}) == "one");

  stack.put("one");
  succeed(stack({"deploy"}));
}

}  // namespace

TEST_CASE("kill -9 at every journal boundary of an update of containers is recovered from") {
  fusebox::test::skip_without_images({busybox});
  const TwoServices stack;
  succeed(stack({"deploy"}));
  stack.put("two");
  succeed(stack.deploy_with_fault(0, "group"));
  const auto boundaries = static_cast<long>(fs::file_size(stack.box() / "boundaries"));
  REQUIRE(boundaries >= 10);  // the run, four steps and their ends, the end; and the checkpoints
  MESSAGE("boundaries of one update: " << boundaries);
  stack.put("one");
  succeed(stack({"deploy"}));
  for (long at = 1; at <= boundaries; ++at) kill_and_recover(stack, at, "group");
}

TEST_CASE("kill -9 of the parent process alone, in the middle of an update, is recovered from") {
  fusebox::test::skip_without_images({busybox});
  const TwoServices stack;
  succeed(stack({"deploy"}));
  kill_and_recover(stack, 7, "parent");
}
