// SPDX-License-Identifier: Apache-2.0
// What every probe must do, whatever its server: one function per rule.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <future>
#include <string>
#include <thread>

#include "support/configured_plugin.hpp"
#include "support/fake_host.hpp"
#include "support/servers.hpp"

namespace fusebox::test {

using namespace std::chrono_literals;
namespace json = boost::json;

inline json::object secret_handle(std::string_view name) { return {{"secret", name}}; }

// An OK call with that status whose findings hold `text`. No finding without a remedy.
inline void expect(const Outcome& outcome, std::string_view status, std::string_view text = {}) {
  CAPTURE(outcome.text);
  CAPTURE(outcome.what);
  CHECK(outcome.rc == FBX_OK);
  CHECK(outcome.status() == status);
  CHECK(outcome.findings().find(text) != std::string::npos);
  CHECK_FALSE(outcome.summary().empty());
  if (const json::value* findings = outcome.result.if_contains("findings"))
    for (const json::value& finding : findings->as_array()) {
      CHECK(finding.as_object().contains("remedy"));
      CHECK(finding.as_object().contains("evidence"));
    }
}

// No text of this call tells the value of a secret.
inline void expect_silent_about(const Outcome& outcome, const FakeHost& host) {
  for (const auto& [name, value] : host.secrets) {
    CAPTURE(name);
    CHECK(outcome.text.find(value) == std::string::npos);
    CHECK(outcome.what.find(value) == std::string::npos);
    for (const std::string& line : host.log) CHECK(line.find(value) == std::string::npos);
  }
}

// A server that accepts and says nothing: unhealthy when the timeout is over, and no later.
inline void expect_timeout_is_kept(const std::string& library, json::object config) {
  const SilentListener silent;
  FakeHost host;
  host.secrets["PASSWORD"] = "canary-3f9a";
  config["port"] = silent.port();
  config["timeout"] = "400ms";
  ConfiguredPlugin probe(host, library, config);
  const Outcome outcome = probe.run("check");
  expect(outcome, "unhealthy", "gave no answer in 400 ms");
  CHECK(outcome.ms >= 390);
  CHECK(outcome.ms < 1500);
  expect_silent_about(outcome, host);
}

// The op's own deadline is nearer than the probe's timeout: still an answer, in time.
inline void expect_deadline_is_kept(const std::string& library, json::object config) {
  const SilentListener silent;
  FakeHost host;
  host.secrets["PASSWORD"] = "canary-3f9a";
  config["port"] = silent.port();
  config["timeout"] = "60s";
  ConfiguredPlugin probe(host, library, config);
  const Outcome outcome = probe.run("check", {}, {.deadline = 2s});
  expect(outcome, "unhealthy", "gave no answer");
  CHECK(outcome.ms < 2000);
}

inline void expect_cancel_is_quick(const std::string& library, json::object config) {
  const SilentListener silent;
  FakeHost host;
  host.secrets["PASSWORD"] = "canary-3f9a";
  config["port"] = silent.port();
  config["timeout"] = "60s";
  ConfiguredPlugin probe(host, library, config);
  // The best of three: a loaded machine may keep a thread waiting longer than that.
  auto took = std::chrono::steady_clock::duration::max();
  for (int i = 0; i < 3 && took >= 200ms; ++i) {
    util::CancelToken token;
    std::chrono::steady_clock::time_point asked;
    std::thread operator_thread([&] {
      std::this_thread::sleep_for(150ms);
      asked = std::chrono::steady_clock::now();
      token.cancel();
    });
    const Outcome outcome =
        probe.run("check", {{"wait", "30s"}}, {.deadline = 60s, .cancel = &token});
    const auto ended = std::chrono::steady_clock::now();
    operator_thread.join();
    CHECK(outcome.rc == FBX_CANCELLED);
    took = ended - asked;
  }
  CHECK(took < 200ms);
}

inline void expect_stopped_server_is_unhealthy(const std::string& library, json::object config) {
  FakeHost host;
  host.secrets["PASSWORD"] = "canary-3f9a";
  config["port"] = free_port();
  ConfiguredPlugin probe(host, library, config);
  const Outcome outcome = probe.run("check");
  expect(outcome, "unhealthy", "cannot connect to");
  CHECK(outcome.ms < 1000);
}

inline void expect_runtime_is_asked(const std::string& library, json::object config) {
  FakeHost host;
  host.secrets["PASSWORD"] = "canary-3f9a";
  config["service"] = "db";
  SUBCASE("a service that is down is unhealthy and named") {
    host.endpoints["db"] = "";
    ConfiguredPlugin probe(host, library, config);
    expect(probe.run("check"), "unhealthy", "service db is not running");
  }
  SUBCASE("an optional service that cannot run here is skipped, neither healthy nor unhealthy") {
    host.endpoints["db"] = "-";
    ConfiguredPlugin probe(host, library, config);
    CHECK(probe.run("check").rc == FBX_SKIPPED);
  }
  SUBCASE("a service that the runtime does not know is a mistake in the config") {
    host.endpoints["other"] = "";
    ConfiguredPlugin probe(host, library, config);
    const Outcome outcome = probe.run("check");
    CHECK(outcome.rc == FBX_CONFIG);
    CHECK(outcome.what == "the runtime has no service \"db\"");
  }
  SUBCASE("no runtime at all is a mistake in the config") {
    ConfiguredPlugin probe(host, library, config);
    CHECK(probe.run("check").rc == FBX_CONFIG);
  }
}

// All of the above: a test program calls this from one test case.
inline void expect_probe_rules(const std::string& library, const json::object& config) {
  SUBCASE("a server that hangs is unhealthy after the timeout") {
    expect_timeout_is_kept(library, config);
  }
  SUBCASE("the step's own deadline is kept") { expect_deadline_is_kept(library, config); }
  SUBCASE("a cancel ends it within 200 ms") { expect_cancel_is_quick(library, config); }
  SUBCASE("a stopped server is unhealthy") { expect_stopped_server_is_unhealthy(library, config); }
  SUBCASE("the runtime is asked where a service is") { expect_runtime_is_asked(library, config); }
  SUBCASE("plan tells what would be done, and does nothing") {
    const SilentListener silent;
    FakeHost host;
    json::object with_port = config;
    with_port["port"] = silent.port();
    ConfiguredPlugin probe(host, library, with_port);
    const Outcome outcome = probe.plan("check");
    CHECK(outcome.rc == FBX_OK);
    CHECK(outcome.text.find(std::to_string(silent.port())) != std::string::npos);
    CHECK(outcome.result.contains("actions"));
  }
  SUBCASE("an unknown verb is refused") {
    FakeHost host;
    ConfiguredPlugin probe(host, library, config);
    CHECK(probe.run("mend").rc == FBX_UNSUPPORTED);
  }
}

}  // namespace fusebox::test
