// SPDX-License-Identifier: Apache-2.0
// Stands in for Langfuse's web and worker containers in tests. It reads their environment, writes
// their tables in the real stores, answers their endpoints, and fails as STAND_IN_FAULT says:
//
//   web     crash, dirty (a migration that leaves the schema dirty), slow (migrates further, in
//           STAND_IN_SECONDS), schema (migrates further, then is unavailable), wrong-version,
//           unavailable (503), database (503 when asked about the database), hang
//   worker  crash, error (500), stuck (queue), propagation-stuck, hang
#include "support/langfuse/migrations.hpp"
#include "support/langfuse/server.hpp"
#include "support/langfuse/stores.hpp"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>

namespace {

using stand_in::Answer;
using stand_in::Failure;
using stand_in::Role;
using stand_in::Settings;

std::atomic<bool> draining = false;
std::atomic<std::int64_t> drained_at = 0;

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

bool asked(const std::string& target, std::string_view question) {
  return target.find(std::string(question) + "=true") != std::string::npos;
}

Answer web(const Settings& settings, const std::string& target) {
  if (settings.has_fault("hang")) return {0, ""};
  if (target.starts_with("/api/public/ready"))
    return {draining ? 500 : 200,
            fmt::format(R"({{"status":"OK","version":"{}"}})", settings.version)};
  if (!target.starts_with("/api/public/health")) return {404, R"({"message":"Not Found"})"};
  if (settings.has_fault("unavailable") || settings.has_fault("schema"))
    return {503, fmt::format(R"({{"status":"Error","version":"{}"}})", settings.version)};
  if (asked(target, "failIfDatabaseUnavailable")) {
    try {
      if (settings.has_fault("database")) throw Failure("told to");
      stand_in::Postgres(settings).query("SELECT 1");
    } catch (const Failure&) {
      return {503, fmt::format(R"({{"status":"Database not available","version":"{}"}})",
                               settings.version)};
    }
  }
  const auto version = settings.has_fault("wrong-version") ? "4.0.1" : settings.version;
  return {200, fmt::format(R"({{"status":"OK","version":"{}"}})", version)};
}

Answer worker(const Settings& settings, const std::string& target) {
  if (settings.has_fault("hang")) return {0, ""};
  if (target.starts_with("/api/ready")) return {draining ? 500 : 200, R"({"status":"ok"})"};
  if (!target.starts_with("/api/health")) return {404, R"({"message":"Not Found"})"};
  const auto stuck = [](const char* what, int minutes) {
    return Answer{
        503, fmt::format(R"({{"status":"error","details":"{} for more than {} minutes"}})", what,
                         minutes)};
  };
  if (asked(target, "failIfQueueConsumptionStuck") && settings.has_fault("stuck"))
    return stuck("ingestion-queue: no job was consumed", 60);
  if (asked(target, "failIfEventPropagationStuck") && settings.has_fault("propagation-stuck"))
    return stuck("event propagation is stuck", 15);
  try {
    if (settings.has_fault("error")) throw Failure("told to");
    stand_in::Postgres(settings).query("SELECT 1");
    stand_in::redis_ping(settings);
  } catch (const Failure& problem) {
    std::cerr << "health: " << problem.what() << "\n";
    return {500, R"({"status":"error"})"};
  }
  return {200, R"({"status":"ok"})"};
}

void run(Role role) {
  const auto settings = stand_in::read_settings(role);
  if (settings.has_fault("crash")) throw Failure("Error: Cannot find module './chunks/4711.js'");
  if (role == Role::web)
    stand_in::migrate(settings);
  else
    stand_in::finish_background_migrations(settings);
  std::cout << "Listening on port " << settings.port << "\n" << std::flush;
  stand_in::serve(
      settings.port,
      [&](const std::string& target) {
        return role == Role::web ? web(settings, target) : worker(settings, target);
      },
      [] {
        if (!draining) return false;
        if (drained_at == 0) drained_at = now_ms() + 300;  // Langfuse drains before it ends
        return now_ms() > drained_at;
      });
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view role = argc == 2 ? argv[1] : "";
  if (role != "web" && role != "worker") {
    std::cerr << "usage: langfuse web|worker\n";
    return 2;
  }
  // It is the container's first process, so the kernel gives signals no default.
  for (const int signal : {SIGTERM, SIGINT}) std::signal(signal, [](int) { draining = true; });
  try {
    run(role == "web" ? Role::web : Role::worker);
    std::_Exit(0);  // connections that hang have threads of their own
  } catch (const std::exception& problem) {
    std::cerr << problem.what() << "\n";
    return 1;
  }
}
