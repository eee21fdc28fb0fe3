// SPDX-License-Identifier: Apache-2.0
#include "e2e/stacks.hpp"

#include "support/servers.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include <cstdlib>
#include <iostream>

namespace fusebox::test {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

std::string text_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

json::object service_of(const Stack& stack, std::string_view name) {
  const auto answer = stack.json({"ps"});
  for (const auto& service : answer.at("services").as_array()) {
    if (service.at("name").as_string() == name) return service.as_object();
  }
  return {};
}

std::map<std::string, std::string> by_step(const Ended& ended,
                                           std::string (*pick)(const json::object&)) {
  std::map<std::string, std::string> found;
  for (const auto& line : ended.lines()) {
    if (text_at(line, "type") == "step_finished") found[text_at(line, "step")] = pick(line);
  }
  return found;
}

}  // namespace

Stack::~Stack() {
  try {
    const auto ended = (*this)({"down", "--volumes", "--yes", "--confirm", name_});
    if (ended.exit_code != 0) std::cerr << "the stack could not be taken down:\n" << ended.all();
  } catch (...) {
    std::cerr << "the stack " << name_ << " could not be taken down\n";
  }
}

std::vector<std::string> Stack::with_options(std::vector<std::string> args) const {
  args.insert(args.begin(), options_.begin(), options_.end());
  return args;
}

Ended Stack::operator()(std::vector<std::string> args, const std::string& stdin_text) const {
  CallOptions options;
  options.environment = environment_;
  options.stdin_text = stdin_text;
  options.deadline = std::chrono::minutes(5);
  return box_.fusebox(with_options(std::move(args)), options);
}

Ended Stack::with(const std::map<std::string, std::string>& environment,
                  const std::vector<std::string>& args) const {
  CallOptions options;
  options.environment = environment_;
  for (const auto& [key, value] : environment) options.environment[key] = value;
  options.deadline = std::chrono::minutes(5);
  return box_.fusebox(with_options(args), options);
}

Ended Stack::at_terminal(const std::vector<std::string>& args,
                         const std::vector<Exchange>& script) const {
  return test::at_terminal(box_, with_options(args), script, environment_);
}

json::object Stack::json(std::vector<std::string> args) const {
  args.insert(args.begin(), "--json");
  const auto ended = (*this)(args);
  INFO(ended.all());
  CHECK(ended.exit_code == 0);
  const auto lines = ended.lines();
  REQUIRE(lines.size() == 1);
  return lines.front();
}

std::string Stack::state_of(std::string_view service) const {
  return text_at(service_of(*this, service), "state");
}

std::string Stack::pid_of(std::string_view service) const {
  return text_at(service_of(*this, service), "id");
}

SmallStack::SmallStack() : SmallStack("") {}

SmallStack::SmallStack(const std::string& more) : Stack("small") {
  const auto port = free_port();
  box_.write("fusebox.toml", fmt::format(R"([stack]
name = "small"

[plugins.secrets-file]
file = ".env"
generate = true

[plugins.runtime-process.services.redis]
user = "redis"
ports.redis = {{ port = {0}, target = 6379 }}
command = ["redis-server", "-"]
stdin = """
port ${{port}}
bind 127.0.0.1
dir ${{data}}
maxmemory-policy noeviction
appendonly yes
requirepass ${{secret:REDIS_AUTH}}
"""
ready = {{ tcp = "redis" }}

[plugins.probe-redis]
service = "redis"
password = {{ secret = "REDIS_AUTH" }}

[commands.redis-cli]
service = "redis"
command = ["redis-cli", "-p", "{0}"]
environment = {{ REDISCLI_AUTH = {{ secret = "REDIS_AUTH" }} }}
{1})",
                                         port, more));
}

DemoStack::DemoStack() : Stack("langfuse-demo") {
  const fs::path source = FUSEBOX_CONFIGS;
  fs::copy_file(source / "demo.toml", box_ / "fusebox.toml");
  fs::copy(source / "demo", box_ / "demo", fs::copy_options::recursive);
  fs::remove(box_ / "demo/.env");  // of a demo that runs from the source folder; and its backups
  fs::remove_all(box_ / "demo/backups");
  const std::pair<const char*, std::vector<const char*>> services[] = {
      {"postgres", {"postgres"}},
      {"clickhouse", {"http", "native", "interserver"}},
      {"redis", {"redis"}},
      {"minio", {"api", "console"}}};
  for (const auto& [service, ports] : services) {
    for (const auto* port : ports) {
      options_.push_back(fmt::format("--set=plugins.runtime-process.services.{}.ports.{}.port={}",
                                     service, port, free_port()));
    }
  }
  // HOME is the sandbox's, so what the set-up script built there is found through PATH.
  environment_["PATH"] =
      fmt::format("{}/.cache/fusebox/bin:{}", std::getenv("HOME"), std::getenv("PATH"));
}

std::vector<std::string> DemoStack::missing() {
  std::vector<std::string> reasons;
  for (const auto& reason : {PostgresServer::missing(), ClickHouseServer::missing(),
                             RedisServer::missing(), MinioServer::missing()}) {
    if (reason) reasons.push_back(*reason);
  }
  return reasons;
}

std::vector<fs::path> beside_volumes(const Stack& stack, std::string_view mark) {
  std::vector<fs::path> found;
  const auto answer = stack.json({"volumes"});
  for (const auto& volume : answer.at("volumes").as_array()) {
    const fs::path folder(text_at(volume.as_object(), "where"));
    for (const auto& entry : fs::directory_iterator(folder.parent_path()))
      if (contains(entry.path().filename().string(), mark)) found.push_back(entry.path());
  }
  return found;
}

std::map<std::string, std::string> outcomes(const Ended& ended) {
  return by_step(ended, [](const json::object& line) { return text_at(line, "outcome"); });
}

std::map<std::string, std::string> statuses(const Ended& ended) {
  return by_step(ended, [](const json::object& line) {
    const auto* result = line.if_contains("result");
    return result != nullptr && result->is_object() ? text_at(result->get_object(), "status") : "";
  });
}

}  // namespace fusebox::test
