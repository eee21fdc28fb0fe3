// SPDX-License-Identifier: Apache-2.0
#include "inspect.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fusebox/plugin.hpp>
#include <thread>

#include "outline.hpp"
#include "ready.hpp"
#include "request.hpp"

namespace runtime_process {
namespace {

namespace json = boost::json;

constexpr milliseconds health_timeout{2000};
constexpr milliseconds sampling_time{500};

struct Health {
  std::string_view word = "none";
  std::string reason;
};

Health health_of(const fbx::Op& op, const Record& record) {
  const Ready& ready = record.definition.ready;
  if (ready.none()) return {};
  const Wait wait(op);
  const auto reason = ReadyCheck(record.definition, wait).run(health_timeout);
  if (!reason) return {"healthy", {}};
  const bool young = std::chrono::system_clock::now() - record.started_at < ready.timeout;
  return {young ? "starting" : "unhealthy", *reason};
}

json::array ports_json(const std::vector<Port>& ports) {
  json::array out;
  for (const Port& port : ports)
    out.push_back({{"name", port.name},
                   {"host", port.host},
                   {"port", port.number},
                   {"target", port.target == 0 ? port.number : port.target}});
  return out;
}

json::object service_json(const Service& service, const Status& status, const Health& health) {
  json::object out{
      {"name", service.name},
      {"state", state_name(status.state)},
      {"health", health.word},
      {"restarts", 0},
      {"exit_code", nullptr},
      {"ports", ports_json(service.ports)},
      {"depends_on", json::array(service.depends_on.begin(), service.depends_on.end())}};
  if (!health.reason.empty()) out["reason"] = health.reason;
  if (!status.record) return out;
  out["started_at"] = format_time(status.record->started_at);
  if (status.state == State::running) {
    out["id"] = std::to_string(status.record->process.pid);
    out["ports"] = ports_json(status.record->definition.ports);
  }
  if (status.record->exit_code) out["exit_code"] = *status.record->exit_code;
  return out;
}

// The service as it runs, or else as it would run.
Definition current_definition(const Settings& settings, const Service& service) {
  const Status status = status_of(settings, service.name);
  return status.state == State::running ? status.record->definition : resolve(settings, service);
}

void add_environment(const json::object& request, Definition& definition) {
  const json::value* environment = request.if_contains("environment");
  if (environment == nullptr || !environment->is_object()) return;
  for (const auto& member : environment->as_object()) {
    std::string text;
    if (member.value().is_string()) {
      // Plain text here, although the definition holds templates.
      for (const char c : std::string_view(member.value().as_string())) {
        if (c == '{' && text.ends_with('$'))
          text += "${";
        else
          text += c;
      }
    } else if (const auto* handle = member.value().is_object()
                                        ? member.value().as_object().if_contains("$secret")
                                        : nullptr) {
      text = fmt::format("${{secret:{}}}", std::string_view(handle->as_string()));
    }
    definition.environment[member.key()] = text;
  }
}

struct Sample {
  ProcessId id;
  Usage usage;
  steady_clock::time_point time;
};

Sample take_sample(const ProcessId& id) { return {id, usage_of(id), steady_clock::now()}; }

}  // namespace

std::string list_services(fbx::Op& op, const Settings& settings, std::string_view text) {
  const json::object request = parse_request(text);
  const auto selected = select(settings, strings_at(request, "services"));
  std::vector<Status> statuses;
  for (const Service* service : selected) statuses.push_back(status_of(settings, service->name));
  std::vector<Health> healths(selected.size());
  std::vector<std::exception_ptr> errors(selected.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < selected.size(); ++i) {
    if (statuses[i].state != State::running) continue;
    threads.emplace_back([&, i] {
      try {
        healths[i] = health_of(op, *statuses[i].record);
      } catch (...) {
        errors[i] = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& error : errors)
    if (error) std::rethrow_exception(error);
  json::array services;
  for (std::size_t i = 0; i < selected.size(); ++i)
    services.push_back(service_json(*selected[i], statuses[i], healths[i]));
  return json::serialize(json::object{{"services", std::move(services)}});
}

namespace {

// An optional service without its program is no failure of the stack: who asks for it skips.
void check_can_run(const Settings& settings, const Service& service) {
  if (!service.optional) return;
  try {
    resolve(settings, service);
  } catch (const fbx::Error& e) {
    if (e.rc() != FBX_NOT_FOUND) throw;
    throw fbx::Error(FBX_SKIPPED, fmt::format("{}, and the stack runs without it", e.what()),
                     e.hint());
  }
}

}  // namespace

std::string find_endpoint(const Settings& settings, std::string_view text) {
  const json::object request = parse_request(text);
  const Service& service = settings.service(string_at(request, "service"));
  const Status status = status_of(settings, service.name);
  if (status.state != State::running) check_can_run(settings, service);
  if (status.state != State::running)
    throw fbx::Error(FBX_UNAVAILABLE, fmt::format("service {} does not run", service.name),
                     "bring it up: fusebox up");
  const std::vector<Port>& ports = status.record->definition.ports;
  const json::value* wanted = request.if_contains("port");
  const std::int64_t number =
      wanted != nullptr && wanted->is_number() ? wanted->to_number<std::int64_t>() : 0;
  const std::string name = string_at(request, "port");
  const Port* found = nullptr;
  if (const Port* main = number == 0 && name.empty() ? main_port(service) : nullptr) {
    // By its name: it may run with an older configuration.
    for (const Port& port : ports)
      if (port.name == main->name) found = &port;
  }
  for (const auto match : {0, 1}) {
    if (found != nullptr) break;
    for (const Port& port : ports)
      if ((!name.empty() && port.name == name) ||
          (number != 0 && (match == 0 ? port.target : port.number) == number)) {
        found = &port;
        break;
      }
  }
  if (found == nullptr) {
    std::vector<std::string> known;
    for (const Port& port : ports) known.push_back(fmt::format("{} ({})", port.name, port.number));
    throw fbx::Error(FBX_NOT_FOUND,
                     fmt::format("service {} has no port {}", service.name,
                                 name.empty() ? std::to_string(number) : name),
                     fmt::format("its ports: {}", fmt::join(known, ", ")));
  }
  json::object result{{"host", found->host}, {"port", found->number}};
  if (!found->scheme.empty())
    result["url"] = fmt::format("{}://{}:{}", found->scheme, found->host, found->number);
  return json::serialize(result);
}

std::string exec_beside(fbx::Op& op, const Settings& settings, std::string_view text, int in,
                        int out, int err) {
  const json::object request = parse_request(text);
  const Service& service = settings.service(string_at(request, "service"));
  Definition definition = current_definition(settings, service);
  definition.command = strings_at(request, "command");
  if (definition.command.empty())
    throw fbx::Error(FBX_ARGUMENT, "exec needs a command", "name the program to run");
  definition.command[0] =
      find_program(definition.command[0], settings.path, settings.config_dir).string();
  definition.stdin_text.reset();
  // In a group of its own it could not read from a terminal.
  const bool tty = bool_at(request, "tty") || (in >= 0 && ::isatty(in) == 1);
  if (const char* term = std::getenv("TERM"); tty && term != nullptr)
    definition.environment["TERM"] = term;
  add_environment(request, definition);
  const Values values = resolve_secrets(op, definition);
  const int code = run_command(definition, values, {in, out, err},
                               tty ? Terminal::yes : Terminal::no, Wait(op), std::nullopt);
  return json::serialize(json::object{{"exit_code", code}});
}

std::string sample_stats(fbx::Op& op, const Settings& settings, std::string_view text) {
  const json::object request = parse_request(text);
  std::vector<std::pair<std::string, Sample>> first;
  for (const Service* service : select(settings, strings_at(request, "services"))) {
    const Status status = status_of(settings, service->name);
    if (status.state == State::running)
      first.emplace_back(service->name, take_sample(status.record->process));
  }
  if (!first.empty()) Wait(op).pause(sampling_time, "sampling");
  json::array services;
  for (const auto& [name, before] : first) {
    const Sample now = take_sample(before.id);
    const double seconds = std::chrono::duration<double>(now.time - before.time).count();
    // A process that ended takes its time with it, which must not count as negative.
    const double used = std::max(0.0, now.usage.cpu_seconds - before.usage.cpu_seconds);
    services.push_back({{"name", name},
                        {"cpu_percent", std::round(used / seconds * 1000) / 10},
                        {"memory_bytes", now.usage.memory_bytes},
                        {"processes", now.usage.processes}});
  }
  return json::serialize(json::object{{"services", std::move(services)}});
}

}  // namespace runtime_process
