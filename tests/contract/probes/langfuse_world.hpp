// SPDX-License-Identifier: Apache-2.0
// Langfuse's two applications as probe-langfuse sees them: HTTP servers that answer what the real
// ones answer, switchable, and a runtime that says how they run.
#pragma once

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>

#include "contract/probes/probe_support.hpp"
#include "support/http_server.hpp"
#include "support/temp_dir.hpp"

namespace fusebox::test {

// The public members may be set while it serves: a test changes them between requests only.
class WebApp {
 public:
  explicit WebApp(std::string health_path, std::string ready_path)
      : health_path_(std::move(health_path)),
        ready_path_(std::move(ready_path)),
        server_([this](const WebRequest& request) { return answer(request); }) {}

  int status = 200;
  int ready_status = 200;
  std::string body;  // instead of the usual one
  std::string version = "4.16.0";
  bool stuck = false;  // the flags find a queue that is
  std::string ok = "OK";

  std::uint16_t port() const { return server_.port(); }
  std::size_t requests() const { return server_.requests().size(); }
  bool asked(const std::string& target) const {
    for (const WebRequest& request : server_.requests())
      if (request.target == target) return true;
    return false;
  }
  std::string version_now() {
    const std::scoped_lock lock(mutex_);
    return version;
  }
  void become(const std::string& newer) {
    const std::scoped_lock lock(mutex_);
    version = newer;
  }
  void heal() {
    const std::scoped_lock lock(mutex_);
    body.clear();
    status = 200;
  }

 private:
  WebResponse answer(const WebRequest& request) {
    const std::scoped_lock lock(mutex_);
    const std::string path = request.target.substr(0, request.target.find('?'));
    if (path == ready_path_) return {ready_status, "{}", {}};
    if (path != health_path_) return {404, "", {}};
    if (status != 200 || !body.empty()) return {status, body, {}};
    if (stuck && request.target.find("Stuck=true") != std::string::npos)
      return {
          503, R"({"status":"error","queueConsumption":{"stuck":true,"stuckSeconds":3700}})", {}};
    return {200, json::serialize(json::object{{"status", ok}, {"version", version}}), {}};
  }

  std::mutex mutex_;
  std::string health_path_;
  std::string ready_path_;
  HttpServer server_;
};

struct LangfuseApps {
  LangfuseApps() {
    worker.ok = "ok";
    host.endpoints["langfuse-web"] = at(web.port());
    host.endpoints["langfuse-worker"] = at(worker.port());
    host.services = [this] { return services_json(); };
    pin("docker.langfuse.com/langfuse/langfuse:4.16.0",
        "docker.langfuse.com/langfuse/langfuse-worker:4.16.0");
    config["timeout"] = "5s";
  }

  static std::string at(std::uint16_t port) {
    return json::serialize(json::object{{"host", "127.0.0.1"}, {"port", port}});
  }

  static void write(const std::filesystem::path& file, std::string_view text) {
    std::ofstream(file, std::ios::trunc) << text;
  }

  void pin(const std::string& web_image, const std::string& worker_image) {
    write(lock, "# pinned\nLANGFUSE_WEB_IMAGE=" + web_image +
                    "\nLANGFUSE_WORKER_IMAGE=" + worker_image + "\n");
  }

  ConfiguredPlugin& probe() {
    if (!probe_)
      probe_ =
          std::make_unique<ConfiguredPlugin>(host, PROBE_LIBRARY, config, "/nonexistent", lock);
    probe_->release = release;
    return *probe_;
  }

  Outcome run(std::string_view verb, const json::object& with = {}, const CallLimits& limits = {}) {
    // `migrated` needs the instance that `schema` ran in; everything else takes the settings of
    // now.
    if (verb != "migrated") probe_.reset();
    Outcome outcome = probe().run(verb, with, limits);
    expect_silent_about(outcome, host);
    return outcome;
  }

  std::string services_json() {
    const std::scoped_lock guard(mutex);
    const auto service = [&](const char* name, const std::string& version) {
      return json::object{
          {"name", name}, {"state", web_state}, {"restarts", web_restarts}, {"version", version}};
    };
    return json::serialize(
        json::object{{"services", json::array{service("langfuse-web", web.version_now()),
                                              service("langfuse-worker", worker_version)}}});
  }

  TempDir folder;
  std::filesystem::path box = folder.path();
  std::filesystem::path lock = box / "versions.lock";
  WebApp web{"/api/public/health", "/api/public/ready"};
  WebApp worker{"/api/health", "/api/ready"};
  std::string worker_version = "4.16.0";
  std::mutex mutex;  // of the two below
  std::string web_state = "running";
  int web_restarts = 0;
  FakeHost host;
  json::object config;
  json::object release;  // what the last successful run left on record

 private:
  std::unique_ptr<ConfiguredPlugin> probe_;
};

}  // namespace fusebox::test
