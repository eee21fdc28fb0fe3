// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "contract/probes/probe_support.hpp"
#include "support/http_server.hpp"

using namespace fusebox::test;

namespace {

json::object with_keys() {
  return {{"access_key", secret_handle("ACCESS")}, {"secret_key", secret_handle("PASSWORD")}};
}

// One server for all tests: it takes seconds to start.
MinioServer& minio() {
  static MinioServer server;
  return server;
}

struct Minio {
  Minio() {
    skip_program_if(MinioServer::missing());
    minio().start();
    host.secrets = {{"ACCESS", minio().user()}, {"PASSWORD", minio().password()}};
  }

  // The server says that it is ready some seconds before it has its quorum.
  Outcome check() {
    json::object settings = config;
    settings["port"] = minio().port();
    settings["disk_min_free"] = "1B";
    settings["disk_fail_percent"] = 0.0;
    if (!settings.contains("disk_warn_percent")) settings["disk_warn_percent"] = 0.0;
    ConfiguredPlugin probe(host, PROBE_LIBRARY, settings);
    Outcome outcome = probe.run("check", {{"wait", "20s"}});
    for (const std::string& secret : {host.secrets["PASSWORD"]})
      CHECK(outcome.text.find(secret) == std::string::npos);
    return outcome;
  }

  FakeHost host;
  json::object config = with_keys();
};

}  // namespace

TEST_CASE("probe-minio keeps the rules of all probes") {
  expect_probe_rules(PROBE_LIBRARY, {{"access_key", secret_handle("PASSWORD")},
                                     {"secret_key", secret_handle("PASSWORD")}});
}

TEST_CASE_FIXTURE(Minio, "D09 a healthy MinIO is healthy, though it answers 403 to the anonymous") {
  const Outcome outcome = check();
  expect(outcome, "healthy");
  CHECK(outcome.metric("latency_ms") > 0);
  CHECK(outcome.metric("buckets") == 0);
  CHECK(outcome.metric("disk_free") > 0);
  CHECK(outcome.summary().find("MinIO ") == 0);
}

TEST_CASE_FIXTURE(Minio, "a secret key that the server refuses is unhealthy") {
  host.secrets["PASSWORD"] = "not-the-secret-key";
  expect(check(), "unhealthy", "refused the secret key | HTTP 403: SignatureDoesNotMatch");
}

TEST_CASE_FIXTURE(Minio, "an access key that the server does not know is unhealthy") {
  host.secrets["ACCESS"] = "somebody-else";
  expect(check(), "unhealthy", "does not know the access key | HTTP 403: InvalidAccessKeyId");
}

TEST_CASE_FIXTURE(Minio, "a missing bucket is unhealthy, one that is there is not") {
  config["bucket"] = "langfuse";
  // A folder in the data folder is a bucket to a single-drive server.
  const std::filesystem::path bucket = minio().data() / "langfuse";
  SUBCASE("missing") { expect(check(), "unhealthy", "there is no bucket langfuse"); }
  SUBCASE("there") {
    std::filesystem::create_directory(bucket);
    expect(check(), "healthy");
    CHECK(check().metric("buckets") == 1);
    config["bucket"] = "langfuse-other";
    expect(check(), "unhealthy", "the server has langfuse, 1 in all");
    std::filesystem::remove(bucket);
  }
}

TEST_CASE_FIXTURE(Minio, "drives below the limit are degraded") {
  config["disk_warn_percent"] = 100.0;
  expect(check(), "degraded", "the disk is filling up");
}

TEST_CASE_FIXTURE(Minio, "another region than the server's still lists") {
  config["region"] = "eu-central-1";
  CHECK(check().rc == FBX_OK);
}

TEST_CASE("a server that is no MinIO is told") {
  const HttpServer other([](const WebRequest&) { return WebResponse{404, "nothing here", {}}; });
  FakeHost host;
  host.secrets = {{"ACCESS", "key"}, {"PASSWORD", "canary-77"}};
  json::object config = with_keys();
  config["port"] = other.port();
  ConfiguredPlugin probe(host, PROBE_LIBRARY, config);
  expect(probe.run("check"), "unhealthy", "does not answer like MinIO");
}

TEST_CASE("states that a test cannot bring a MinIO into are judged by its answers") {
  std::map<std::string, WebResponse> answers{
      {"/", {200, "<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>", {}}},
      {"/minio/admin/v3/info", {403, "<Error><Code>AccessDenied</Code></Error>", {}}}};
  const HttpServer server([&](const WebRequest& request) {
    const auto found = answers.find(request.target);
    return found == answers.end() ? WebResponse{} : found->second;
  });
  FakeHost host;
  host.secrets = {{"ACCESS", "key"}, {"PASSWORD", "canary-77"}};
  json::object config = with_keys();
  config["port"] = server.port();
  ConfiguredPlugin probe(host, PROBE_LIBRARY, config);
  SUBCASE("keys without admin rights prove a healthy server") {
    expect(probe.run("check"), "healthy");
  }
  SUBCASE("a server that is not ready is starting") {
    answers["/minio/health/ready"] = {503, "", {}};
    expect(probe.run("check"), "unhealthy", "is still starting");
  }
  SUBCASE("a lost quorum is unhealthy") {
    answers["/minio/health/cluster"] = {503, "", {}};
    expect(probe.run("check"), "unhealthy", "has no write quorum");
  }
  SUBCASE("a full disk is unhealthy") {
    answers["/"] = {507, "<Error><Code>XMinioStorageFull</Code></Error>", {}};
    expect(probe.run("check"), "unhealthy", "has no space left");
  }
  SUBCASE("clocks that differ are named") {
    answers["/"] = {403, "<Error><Code>RequestTimeTooSkewed</Code></Error>", {}};
    expect(probe.run("check"), "unhealthy", "has another time than this machine");
  }
  SUBCASE("a broken drive is unhealthy") {
    answers["/minio/admin/v3/info"] = {
        200,
        R"({"servers":[{"version":"2025-01-01","drives":[{"state":"ok"},{"state":"offline"}]}]})",
        {}};
    expect(probe.run("check"), "unhealthy", "a drive is not ok | 1 of 2 drives");
  }
}

TEST_CASE("with wait it tries until the server is there") {
  skip_program_if(MinioServer::missing());
  MinioServer server;
  FakeHost host;
  host.secrets = {{"ACCESS", server.user()}, {"PASSWORD", server.password()}};
  json::object config = with_keys();
  config["port"] = server.port();
  config["disk_min_free"] = "1B";
  config["disk_fail_percent"] = 0.0;
  config["disk_warn_percent"] = 0.0;
  ConfiguredPlugin probe(host, PROBE_LIBRARY, config);
  server.launch();
  expect(probe.run("check", {{"wait", "30s"}}), "healthy");
}
