// SPDX-License-Identifier: Apache-2.0
#include "orb.hpp"

#include <doctest/doctest.h>

#include "support/fake_host.hpp"
#include "support/temp_dir.hpp"

using namespace runtime_orbstack;
using fusebox::test::FakeHost;
using Labels = std::map<std::string, std::string>;

namespace {

struct Stage {
  fusebox::test::TempDir dir;
  FakeHost host;
  fbx_op raw{&host, {}};
  fbx::Op op{&fusebox::test::fake::table, &raw};
  fbx::docker::Wish wish{"unix://" + (dir / "no.sock").string(), ""};
  fbx::docker::Engine engine{op, fbx::docker::find_engine(wish)};
};

}  // namespace

TEST_CASE("a service has its own domain, or the one that OrbStack gives it") {
  CHECK(domain_url("prod", "web", {}, 3000) == "https://web.prod.orb.local");
  CHECK(domain_url("prod", "web", {{"dev.orbstack.domains", "langfuse.local,other.local"}}, 3000) ==
        "https://langfuse.local");
  CHECK(domain_url("prod", "web", {{"dev.orbstack.domains", "*.langfuse.local"}}, 80) ==
        "https://web.prod.orb.local");
}

TEST_CASE("D38 only the HTTP port is behind a domain: there is no label for others") {
  CHECK(domain_url("prod", "redis", {}, 6379).empty());
  const Labels labels{{"dev.orbstack.http-port", "9000"}, {"dev.orbstack.tcp-port", "6379"}};
  CHECK(domain_url("prod", "minio", labels, 9000) == "https://minio.prod.orb.local");
  CHECK(domain_url("prod", "minio", labels, 9001).empty());
  CHECK(domain_url("prod", "redis", labels, 6379).empty());
}

TEST_CASE("without OrbStack it says what is missing and what else there is") {
  Stage stage;
  stage.host.run_process = [](std::string_view, std::string_view) {
    return FakeHost::Process{FBX_NOT_FOUND, 0, "", ""};
  };
  try {
    start_engine(stage.op, stage.engine);
    FAIL("it started");
  } catch (const fbx::Error& error) {
    CHECK(error.rc() == FBX_NOT_FOUND);
    CHECK(std::string(error.what()).find("`orb`") != std::string::npos);
    CHECK(error.hint().find("runtime-docker") != std::string::npos);
  }
}

TEST_CASE("an OrbStack that does not come up is told with what orb said, within the deadline") {
  Stage stage;
  std::string asked;
  stage.host.run_process = [&](std::string_view request, std::string_view) {
    asked = request;
    return FakeHost::Process{FBX_OK, 1, "license not accepted\n", ""};
  };
  stage.host.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(600);
  try {
    start_engine(stage.op, stage.engine);
    FAIL("it started");
  } catch (const fbx::Error& error) {
    CHECK(error.rc() == FBX_UNAVAILABLE);
    CHECK(std::string(error.what()).find("license not accepted") != std::string::npos);
  }
  CHECK(asked.find(R"(["orb","start"])") != std::string::npos);
}

TEST_CASE("a context that is not known yet makes orb start, once") {
  Stage stage;
  int starts = 0;
  stage.host.run_process = [&](std::string_view, std::string_view) {
    ++starts;
    return FakeHost::Process{};
  };
  CHECK_THROWS_AS(make_known(stage.op, {"", "no-such-context-anywhere"}), fbx::Error);
  CHECK(starts == 1);
  make_known(stage.op, stage.wish);
  CHECK(starts == 1);
}
