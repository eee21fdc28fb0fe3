// SPDX-License-Identifier: Apache-2.0
// The two applications, as an HTTP server stands in for them.
#include <doctest/doctest.h>

#include "contract/probes/langfuse_world.hpp"

using namespace fusebox::test;

TEST_CASE_FIXTURE(LangfuseApps, "web with the locked version is healthy, and goes on record") {
  const Outcome outcome = run("web");
  expect(outcome, "healthy");
  CHECK(outcome.summary().find("langfuse-web 4.16.0 answers in") == 0);
  CHECK(outcome.result.at("release").at("langfuse_web") == "4.16.0");
  CHECK(web.asked("/api/public/health?failIfDatabaseUnavailable=true"));
}

TEST_CASE_FIXTURE(LangfuseApps, "D14 web of another version than the locked one is unhealthy") {
  web.version = "4.15.9";
  expect(run("web"), "unhealthy", "langfuse-web answers 4.15.9, versions.lock pins 4.16.0");
  SUBCASE("a version that only begins like it, too") {
    web.version = "4.16.01";
    expect(run("web"), "unhealthy", "4.16.01");
  }
  SUBCASE("without a file of versions any is fine") {
    lock.clear();
    expect(run("web"), "healthy");
  }
}

TEST_CASE_FIXTURE(LangfuseApps, "a digest or a registry's port in the lock is no version") {
  pin("localhost:5000/langfuse/langfuse:4.16.0@sha256:00ff",
      "localhost:5000/langfuse/langfuse-worker:4.16.0@sha256:11ee");
  expect(run("web"), "healthy");
}

TEST_CASE_FIXTURE(LangfuseApps, "a tag that moves is a warning") {
  pin("langfuse/langfuse:4", "langfuse/langfuse-worker:4");
  expect(run("web"), "degraded", "pins a tag that moves");
}

TEST_CASE_FIXTURE(LangfuseApps, "D17 a lock with two versions is unhealthy") {
  pin("langfuse/langfuse:4.16.0", "langfuse/langfuse-worker:4.15.0");
  expect(run("web"), "unhealthy", "langfuse-web 4.16.0, langfuse-worker 4.15.0");
}

TEST_CASE_FIXTURE(LangfuseApps, "D17 a worker of another version than web is unhealthy") {
  worker_version = "4.15.0";
  expect(run("worker"), "unhealthy", "langfuse-web 4.16.0, langfuse-worker 4.15.0");
}

TEST_CASE_FIXTURE(LangfuseApps, "web without its database is unhealthy, with what it says") {
  web.status = 503;
  web.body = R"({"status":"Database not available"})";
  expect(run("web"), "unhealthy", "HTTP 503: {\"status\":\"Database not available\"}");
  SUBCASE("and waited for") {
    auto checked = std::async(std::launch::async, [&] { return run("web", {{"wait", "20s"}}); });
    std::this_thread::sleep_for(300ms);
    web.heal();
    expect(checked.get(), "healthy");
    CHECK(host.logged("waiting: langfuse-web at"));
  }
}

TEST_CASE_FIXTURE(LangfuseApps, "an application that shuts down is unhealthy") {
  SUBCASE("web") {
    web.ready_status = 500;
    expect(run("web"), "unhealthy", "it is shutting down");
  }
  SUBCASE("worker") {
    worker.ready_status = 500;
    expect(run("worker"), "unhealthy", "it is shutting down");
  }
}

TEST_CASE_FIXTURE(LangfuseApps, "another service on the port is told from Langfuse") {
  web.body = "<html>welcome</html>";
  expect(run("web"), "unhealthy", "does not answer like Langfuse");
}

TEST_CASE_FIXTURE(LangfuseApps, "a worker whose queues move is healthy") {
  const Outcome outcome = run("worker");
  expect(outcome, "healthy");
  CHECK(outcome.result.at("release").at("langfuse_worker") == "4.16.0");
}

TEST_CASE_FIXTURE(LangfuseApps,
                  "a worker whose queues are stuck is unhealthy, and is not restarted") {
  worker.stuck = true;
  const Outcome outcome = run("worker", {{"wait", "10s"}});
  expect(outcome, "unhealthy", "the queues of langfuse-worker");
  CHECK(outcome.findings().find("stuckSeconds") != std::string::npos);
  CHECK(outcome.ms < 5000);  // waiting does not mend it
}

TEST_CASE_FIXTURE(LangfuseApps, "a worker without Redis is told from one that is stuck") {
  worker.status = 500;
  worker.body = R"({"status":"error"})";
  const Outcome outcome = run("worker");
  expect(outcome, "unhealthy", "reports itself unhealthy");
  CHECK(outcome.findings().find("stuck") == std::string::npos);
}

TEST_CASE_FIXTURE(LangfuseApps, "D06 check tells of both, whatever the first one is") {
  expect(run("check"), "healthy");
  web.status = 503;
  worker.stuck = true;
  const Outcome outcome = run("check");
  expect(outcome, "unhealthy", "langfuse-web");
  CHECK(outcome.findings().find("the queues of langfuse-worker") != std::string::npos);
}

TEST_CASE_FIXTURE(LangfuseApps, "an application that does not run is unhealthy and named") {
  host.endpoints["langfuse-web"] = "";
  expect(run("web"), "unhealthy", "service langfuse-web is not running");
}

TEST_CASE_FIXTURE(LangfuseApps, "an application that hangs is unhealthy after the timeout") {
  const SilentListener silent;
  host.endpoints["langfuse-web"] = at(silent.port());
  config["timeout"] = "400ms";
  const Outcome outcome = run("web");
  expect(outcome, "unhealthy", "gave no answer in 400 ms");
  CHECK(outcome.ms < 1500);
}

TEST_CASE_FIXTURE(LangfuseApps, "a lock that is missing or broken is a mistake in the config") {
  SUBCASE("missing") { lock = box / "none.lock"; }
  SUBCASE("broken") { write(lock, "LANGFUSE_WEB_IMAGE=\"unclosed\n"); }
  const Outcome outcome = run("web");
  CHECK(outcome.rc == FBX_CONFIG);
  CHECK_FALSE(outcome.hint.empty());
}

TEST_CASE_FIXTURE(LangfuseApps, "an unknown verb is refused, a plan does nothing") {
  CHECK(run("mend").rc == FBX_UNSUPPORTED);
  ConfiguredPlugin probe(host, PROBE_LIBRARY, config);
  for (const char* verb : {"check", "web", "worker", "schema", "migrated"})
    CHECK(probe.plan(verb).result.contains("actions"));
  CHECK(web.requests() == 0);
}
