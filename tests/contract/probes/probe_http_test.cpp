// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "contract/probes/probe_support.hpp"
#include "support/http_server.hpp"

using namespace fusebox::test;

namespace {

// Langfuse's health endpoint, and the probe that asks it.
struct Web {
  Outcome check(const json::object& with = {}) {
    json::object settings = config;
    if (!settings.contains("url")) settings["port"] = server.port();
    ConfiguredPlugin probe(host, PROBE_LIBRARY, settings);
    Outcome outcome = probe.run("check", with);
    expect_silent_about(outcome, host);
    return outcome;
  }
  // Why the settings are refused.
  std::string refusal() {
    try {
      ConfiguredPlugin probe(host, PROBE_LIBRARY, config);
    } catch (const std::runtime_error& e) {
      return e.what();
    }
    return {};
  }

  WebResponse response{200, R"({"status":"OK","version":"4.16.0","db":{"up":true,"n":3}})", {}};
  HttpServer server{[this](const WebRequest&) { return response; }};
  FakeHost host;
  json::object config;
};

}  // namespace

TEST_CASE("probe-http keeps the rules of all probes") { expect_probe_rules(PROBE_LIBRARY, {}); }

TEST_CASE_FIXTURE(Web, "D09 the real health endpoint is asked, not /") {
  config["path"] = "/api/public/health";
  const Outcome outcome = check();
  expect(outcome, "healthy");
  CHECK(outcome.metric("status") == 200);
  CHECK(outcome.metric("latency_ms") > 0);
  REQUIRE(server.requests().size() == 1);
  CHECK(server.requests()[0].target == "/api/public/health");
  CHECK(server.requests()[0].method == "GET");
}

TEST_CASE_FIXTURE(Web, "a status that is not expected is unhealthy, with the body as evidence") {
  response = {503, "Database\nnot available", {}};
  expect(check(), "unhealthy", "answered 503 instead of 200 | HTTP 503: Database not available");
  SUBCASE("unless the config expects it") {
    config["status"] = {200, 503};
    expect(check(), "healthy");
  }
}

TEST_CASE_FIXTURE(Web, "fields of a JSON answer are compared") {
  SUBCASE("as expected") {
    config["json"] = {
        {"/status", "OK"}, {"/version", "4.16.0"}, {"/db/up", "true"}, {"/db/n", "3"}};
    expect(check(), "healthy");
  }
  SUBCASE("another version") {
    config["json"] = {{"/version", "4.17.0"}};
    expect(check(), "unhealthy", "answered /version = 4.16.0 instead of 4.17.0");
  }
  SUBCASE("no such field") {
    config["json"] = {{"/missing", "1"}};
    expect(check(), "unhealthy", "answered without the field /missing");
  }
  SUBCASE("no JSON") {
    response.body = "<html>";
    config["json"] = {{"/status", "OK"}};
    expect(check(), "unhealthy", "answered something that is not JSON");
  }
  SUBCASE("not a pointer") {
    config["json"] = {{"status", "OK"}};
    CHECK(refusal() == "\"status\" is not a JSON pointer");
  }
}

TEST_CASE_FIXTURE(Web, "the body is searched for text and for an expression") {
  SUBCASE("text") {
    config["body_contains"] = "\"OK\"";
    expect(check(), "healthy");
    config["body_contains"] = "READY";
    expect(check(), "unhealthy", "answered without \"READY\"");
  }
  SUBCASE("expression") {
    config["body_regex"] = R"("version":"4\.[0-9]+\.[0-9]+")";
    expect(check(), "healthy");
    config["body_regex"] = "^never$";
    expect(check(), "unhealthy", "answered nothing that matches /^never$/");
  }
  SUBCASE("a hostile body and expression cost neither stack nor time") {
    response.body = std::string(std::size_t{2} << 20U, 'x');
    config["body_regex"] = "(x|y)*z";
    const Outcome outcome = check();
    expect(outcome, "unhealthy", "answered nothing that matches");
    CHECK(outcome.ms < 5000);
  }
  SUBCASE("no expression") {
    config["body_regex"] = "(";
    CHECK(refusal().find("body_regex is not a regular expression") == 0);
  }
}

TEST_CASE_FIXTURE(Web, "headers carry secrets, and no text tells them") {
  host.secrets["TOKEN"] = "canary-5c1d";
  config["headers"] = {{"Authorization", "Bearer ${secret:TOKEN}"}, {"X-Plain", "a b"}};
  response = {401, "who are you", {}};
  expect(check(), "unhealthy", "answered 401 instead of 200");
  REQUIRE(server.requests().size() == 1);
  CHECK(server.requests()[0].headers.at("authorization") == "Bearer canary-5c1d");
  CHECK(server.requests()[0].headers.at("x-plain") == "a b");
}

TEST_CASE_FIXTURE(Web, "a redirect is not followed unless the config says so") {
  HttpServer moved([&](const WebRequest&) {
    return WebResponse{
        302, "", {{"Location", "http://127.0.0.1:" + std::to_string(server.port()) + "/"}}};
  });
  config["url"] = "http://127.0.0.1:" + std::to_string(moved.port()) + "/";
  expect(check(), "unhealthy", "answered 302 instead of 200");
  CHECK(server.requests().empty());
  config["redirects"] = true;
  expect(check(), "healthy");
  CHECK(server.requests().size() == 1);
  SUBCASE("and never with a secret in a header") {
    config["headers"] = {{"Authorization", "${secret:TOKEN}"}};
    CHECK(refusal() == "the header Authorization holds a secret, and redirects are followed");
  }
}

TEST_CASE_FIXTURE(Web, "a URL is taken whole, and only its origin is told") {
  const std::string origin = "127.0.0.1:" + std::to_string(server.port());
  config["url"] = "http://" + origin + "/health?token=in-the-query";
  response.status = 500;
  const Outcome outcome = check();
  expect(outcome, "unhealthy", origin);
  CHECK(outcome.text.find("in-the-query") == std::string::npos);
  CHECK(server.requests()[0].target == "/health?token=in-the-query");
}

TEST_CASE_FIXTURE(Web, "a URL that cannot be meant is refused") {
  SUBCASE("with a password") {
    config["url"] = "http://user:canary-5c1d@127.0.0.1/";
    CHECK(refusal() == "url holds a user or a password");
  }
  SUBCASE("of another scheme") {
    config["url"] = "file:///etc/passwd";
    CHECK(refusal() == "url is not one of http or https");
  }
  SUBCASE("beside a port") {
    config["url"] = "http://127.0.0.1/";
    config["port"] = 80;
    CHECK(refusal() == "url stands beside service, host or port");
  }
}

TEST_CASE_FIXTURE(Web, "a POST sends the body") {
  config["method"] = "POST";
  config["body"] = "ping";
  expect(check(), "healthy");
  CHECK(server.requests()[0].method == "POST");
  CHECK(server.requests()[0].body == "ping");
}

TEST_CASE_FIXTURE(Web, "a slow answer is degraded") {
  config["max_latency"] = "0ms";
  expect(check(), "degraded", "HTTP is slow");
}

TEST_CASE_FIXTURE(Web, "a server that speaks no TLS is told") {
  config["tls"] = true;
  const Outcome outcome = check();
  CHECK(outcome.status() == "unhealthy");
  CHECK(outcome.findings().find("no TLS connection") != std::string::npos);
}

TEST_CASE_FIXTURE(Web, "a service of the runtime is asked at the endpoint that the runtime tells") {
  host.endpoints["web"] = R"({"host":"127.0.0.1","port":)" + std::to_string(server.port()) + "}";
  config["service"] = "web";
  config["path"] = "/api/public/health";
  ConfiguredPlugin probe(host, PROBE_LIBRARY, config);
  expect(probe.run("check"), "healthy");
  CHECK(server.requests().size() == 1);
}

TEST_CASE_FIXTURE(Web, "with wait it tries until the answer is the expected one") {
  response.status = 503;
  std::atomic<bool> up{false};
  HttpServer starting([&](const WebRequest&) { return WebResponse{up ? 200 : 503, "", {}}; });
  config["url"] = "http://127.0.0.1:" + std::to_string(starting.port()) + "/";
  std::thread late([&] {
    std::this_thread::sleep_for(400ms);
    up = true;
  });
  const Outcome outcome = check({{"wait", "20s"}});
  late.join();
  expect(outcome, "healthy");
  CHECK(starting.requests().size() >= 2);
}
