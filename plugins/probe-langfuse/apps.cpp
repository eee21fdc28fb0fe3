// SPDX-License-Identifier: Apache-2.0
#include "apps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>

#include "common/http_probe.hpp"

namespace fbx::langfuse {

namespace {

using common::CheckFailed;
using common::Deadline;
using common::Endpoint;
using common::HttpResponse;
using common::Result;
using common::Retry;
using common::Severity;

constexpr std::chrono::milliseconds longest_question{2000};

struct App {
  std::string who;  // "langfuse-web at 127.0.0.1:3000"
  std::string name;
  Endpoint endpoint;
  const Deadline& deadline;

  HttpResponse get(std::string_view path) const {
    common::HttpRequest request;
    request.url = endpoint.url("http") + std::string(path);
    return common::ask_http(request, deadline, who);
  }
};

App open_app(const json::object& table, const Deadline& deadline) {
  Endpoint endpoint = locate(deadline.op(), table);
  std::string name = name_of(table);
  std::string who =
      endpoint.service.empty() ? name : fmt::format("{} at {}", name, endpoint.text());
  return {std::move(who), std::move(name), std::move(endpoint), deadline};
}

// The field of a JSON answer; "" when it is no such answer.
std::string answer_field(const HttpResponse& response, std::string_view key) {
  json::error_code error;
  const json::value document = boost::json::parse(response.body, error);
  const json::object* object = error ? nullptr : document.if_object();
  return object == nullptr ? std::string{} : common::text_at(*object, key).value_or("");
}

std::string see_log(const App& app) { return fmt::format("see `fusebox logs {}`", app.name); }

// Both answer 500 once they were told to stop.
void check_ready(const App& app, std::string_view path) {
  const HttpResponse response = app.get(path);
  if (response.status == 200 || response.status == 404) return;
  throw CheckFailed(Retry::yes, fmt::format("{} is not ready for requests", app.who),
                    common::http_evidence(response),
                    response.status == 500 ? "it is shutting down: start it again once it has ended"
                                           : see_log(app));
}

void judge_web_version(const App& app, const std::string& version, const Locked& locked,
                       Result& result) {
  if (locked.web.empty() || is_locked_version(version, locked.web)) return;
  result.add({Severity::error, "another version of Langfuse runs than the one that is locked",
              fmt::format("langfuse-web answers {}, versions.lock pins {}",
                          version.empty() ? "no version" : version, locked.web),
              "`fusebox deploy` brings the locked one; or lock the one that runs", app.name});
}

void judge_worker_version(const App& app, const std::string& worker, const std::string& web,
                          const Locked& locked, Result& result) {
  if (worker.empty()) return;
  if (!web.empty() && !is_locked_version(web, worker))
    result.add({Severity::error, "web and worker run different versions",
                fmt::format("langfuse-web {}, langfuse-worker {}", web, worker),
                "`fusebox deploy` brings both to the locked one: they share one schema", app.name});
  else if (!locked.worker.empty() && !is_locked_version(worker, locked.worker))
    result.add({Severity::error, "another version of Langfuse runs than the one that is locked",
                fmt::format("langfuse-worker is {}, versions.lock pins {}", worker, locked.worker),
                "`fusebox deploy` brings the locked one; or lock the one that runs", app.name});
}

// 503 has two reasons; the plain endpoint tells them apart.
[[noreturn]] void fail_worker(const App& app, const HttpResponse& asked) {
  const HttpResponse plain = app.get("/api/health");
  if (plain.status == 200)
    throw CheckFailed(
        Retry::no, fmt::format("the queues of {} are stuck", app.who), common::http_evidence(asked),
        fmt::format("see `fusebox logs {0}` and Redis; then `fusebox restart {0}`", app.name));
  throw CheckFailed(Retry::yes, fmt::format("{} reports itself unhealthy", app.who),
                    common::http_evidence(plain),
                    fmt::format("it asks PostgreSQL and Redis: check both, and {}", see_log(app)));
}

}  // namespace

void check_web(const Settings& settings, const Deadline& deadline, Result& result) {
  const Locked locked = settings.locked();
  const App app = open_app(settings.web, deadline);
  const HttpResponse health = app.get("/api/public/health?failIfDatabaseUnavailable=true");
  if (health.status != 200)
    throw CheckFailed(Retry::yes, fmt::format("{} reports itself unhealthy", app.who),
                      common::http_evidence(health),
                      fmt::format("it asks PostgreSQL: check that first, and {}", see_log(app)));
  if (answer_field(health, "status") != "OK")
    throw CheckFailed(Retry::no, fmt::format("{} does not answer like Langfuse", app.who),
                      common::http_evidence(health),
                      "check that the port is langfuse-web's: another service may be answering");
  check_ready(app, "/api/public/ready");
  const std::string version = answer_field(health, "version");
  result.metric("web_latency_ms", health.ms, "ms");
  result.summary(
      fmt::format("langfuse-web {} answers in {}", version, common::human_ms(health.ms)));
  judge_locked(locked, result);
  judge_web_version(app, version, locked, result);
  result.release("langfuse_web", boost::json::string(version));
}

void check_worker(const Settings& settings, const Deadline& deadline, Result& result) {
  const Locked locked = settings.locked();
  const App app = open_app(settings.worker, deadline);
  const HttpResponse health =
      app.get("/api/health?failIfQueueConsumptionStuck=true&failIfEventPropagationStuck=true");
  if (health.status != 200) fail_worker(app, health);
  if (answer_field(health, "status") != "ok")
    throw CheckFailed(Retry::no, fmt::format("{} does not answer like Langfuse", app.who),
                      common::http_evidence(health),
                      "check that the port is langfuse-worker's: another service may be answering");
  check_ready(app, "/api/ready");
  const auto state = ask_service(deadline.op(), settings.worker);
  const std::string version = state ? state->version : "";
  result.metric("worker_latency_ms", health.ms, "ms");
  result.summary(fmt::format("langfuse-worker{}{} answers in {}, its queues move",
                             version.empty() ? "" : " ", version, common::human_ms(health.ms)));
  judge_worker_version(app, version, ask_web(settings, deadline).version, locked, result);
  if (!version.empty()) result.release("langfuse_worker", boost::json::string(version));
}

WebAnswer ask_web(const Settings& settings, const Deadline& deadline) {
  const Deadline brief(deadline.op(), std::min(deadline.left(), longest_question));
  try {
    const App app = open_app(settings.web, brief);
    const HttpResponse health = app.get("/api/public/health");
    return {true, health.status == 200 ? answer_field(health, "version") : "",
            common::http_evidence(health)};
  } catch (const CheckFailed& e) {
    return {false, "", e.finding().evidence};
  } catch (const common::ServiceDown& e) {
    return {false, "", e.what()};
  }
}

}  // namespace fbx::langfuse
