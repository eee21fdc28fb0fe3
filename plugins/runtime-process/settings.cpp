// SPDX-License-Identifier: Apache-2.0
#include "settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <fusebox/plugin.hpp>

#include "request.hpp"
#include "scratch.hpp"
#include "sys.hpp"

namespace runtime_process {
namespace {

namespace json = boost::json;

[[noreturn]] void refuse(std::string_view service, std::string_view what, std::string hint) {
  throw fbx::Error(FBX_CONFIG, fmt::format("service {}: {}", service, what), std::move(hint));
}

std::string text_of(const json::object& table, std::string_view key, std::string fallback = {}) {
  return fbx::common::text_at(table, key).value_or(std::move(fallback));
}

std::int64_t number_of(const json::object& table, std::string_view key, std::int64_t fallback) {
  return fbx::common::integer_at(table, key).value_or(fallback);
}

bool flag_of(const json::object& table, std::string_view key, bool fallback) {
  return fbx::common::boolean_at(table, key).value_or(fallback);
}

template <class Visit>
void each_member(const json::object& table, std::string_view key, Visit visit) {
  const json::value* value = table.if_contains(key);
  if (value == nullptr || !value->is_object()) return;
  for (const auto& member : value->as_object()) visit(std::string(member.key()), member.value());
}

// A secret's handle becomes the template that stands for it.
std::string template_of(const json::value& value) {
  if (value.is_string()) return std::string(value.as_string());
  return fmt::format("${{secret:{}}}", std::string_view(value.at("$secret").as_string()));
}

std::optional<std::string> optional_template(const json::object& table, std::string_view key) {
  const json::value* value = table.if_contains(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  return template_of(*value);
}

Ready read_ready(const json::object& table) {
  Ready ready;
  ready.tcp = text_of(table, "tcp");
  ready.http = text_of(table, "http");
  ready.status = static_cast<int>(number_of(table, "status", ready.status));
  ready.command = strings_at(table, "command");
  ready.timeout = milliseconds(number_of(table, "timeout", ready.timeout.count()));
  ready.interval = milliseconds(number_of(table, "interval", ready.interval.count()));
  return ready;
}

Init read_init(const json::object& table) {
  Init init;
  init.creates = text_of(table, "creates");
  init.command = strings_at(table, "command");
  init.stdin_text = optional_template(table, "stdin");
  init.timeout = milliseconds(number_of(table, "timeout", init.timeout.count()));
  return init;
}

Service read_service(std::string name, const json::object& table) {
  Service service;
  service.name = std::move(name);
  service.enabled = flag_of(table, "enabled", true);
  service.optional = flag_of(table, "optional", false);
  service.user = text_of(table, "user");
  each_member(table, "ports", [&](std::string port, const json::value& value) {
    const json::object& fields = value.as_object();
    service.ports.push_back({std::move(port), text_of(fields, "host", "127.0.0.1"),
                             static_cast<int>(number_of(fields, "port", 0)),
                             static_cast<int>(number_of(fields, "target", 0)),
                             text_of(fields, "scheme")});
  });
  service.main_port = text_of(table, "main_port");
  if (const json::value* init = table.if_contains("init"); init != nullptr && init->is_object())
    service.init = read_init(init->as_object());
  service.command = strings_at(table, "command");
  each_member(table, "environment", [&](std::string key, const json::value& value) {
    service.environment.emplace(std::move(key), template_of(value));
  });
  service.stdin_text = optional_template(table, "stdin");
  each_member(table, "files", [&](std::string file, const json::value& value) {
    service.files.emplace(std::move(file), std::string(value.as_string()));
  });
  service.depends_on = strings_at(table, "depends_on");
  if (const json::value* ready = table.if_contains("ready"); ready != nullptr && ready->is_object())
    service.ready = read_ready(ready->as_object());
  service.stop_signal = text_of(table, "stop_signal", service.stop_signal);
  service.stop_grace = milliseconds(number_of(table, "stop_grace", service.stop_grace.count()));
  service.log_max_size = static_cast<std::uint64_t>(
      number_of(table, "log_max_size", static_cast<std::int64_t>(service.log_max_size)));
  service.log_files = static_cast<int>(number_of(table, "log_files", service.log_files));
  return service;
}

void check_service(const Service& service) {
  if (service.name.empty() || service.name.front() == '.' || service.name.front() == '-' ||
      service.name.find('/') != std::string::npos)
    refuse(service.name, "this is no usable name", "use letters, digits, \"-\" and \"_\"");
  if (service.command.empty()) refuse(service.name, "it has no command", "give it a command");
  const auto has_port = [&](const std::string& name) {
    return std::any_of(service.ports.begin(), service.ports.end(),
                       [&](const Port& port) { return port.name == name; });
  };
  for (const std::string& name : {service.main_port, service.ready.tcp})
    if (!name.empty() && !has_port(name))
      refuse(service.name, fmt::format("there is no port \"{}\" in its ports", name),
             "name a port that the service declares");
  const Ready& ready = service.ready;
  if ((ready.tcp.empty() ? 0 : 1) + (ready.http.empty() ? 0 : 1) + (ready.command.empty() ? 0 : 1) >
      1)
    refuse(service.name, "ready has more than one check", "keep one of tcp, http and command");
  if (service.init && (service.init->creates.empty() || service.init->command.empty()))
    refuse(service.name, "init needs both `command` and `creates`",
           "name a file in the data folder that only a finished init leaves");
  for (const auto& [name, source] : service.files)
    if (name.empty() || name.find('/') != std::string::npos || name.front() == '.')
      refuse(service.name, fmt::format("\"{}\" is no plain file name", name),
             "files are laid into ${run}, without folders");
  for (const std::string& word : service.command)
    if (word.find("${secret:") != std::string::npos)
      refuse(service.name, "a secret in `command` would be seen by everybody on this machine",
             "pass it in `environment` or `stdin`");
  if (service.init)
    for (const std::string& word : service.init->command)
      if (word.find("${secret:") != std::string::npos)
        refuse(service.name, "a secret in init's `command` would be seen by everybody",
               "pass it in init's `stdin`");
  signal_number(service.stop_signal);
}

// Puts each service after those it depends on; otherwise keeps the order.
std::vector<Service> sort_services(std::vector<Service> services) {
  std::set<std::string> known;
  for (const Service& service : services) known.insert(service.name);
  for (const Service& service : services)
    for (const std::string& name : service.depends_on)
      if (!known.contains(name))
        refuse(service.name, fmt::format("it depends on \"{}\", which is not there", name),
               fmt::format("known services: {}", fmt::join(known, ", ")));
  std::vector<Service> sorted;
  std::set<std::string> done;
  while (!services.empty()) {
    const auto next = std::find_if(services.begin(), services.end(), [&](const Service& service) {
      return std::all_of(service.depends_on.begin(), service.depends_on.end(),
                         [&](const std::string& name) { return done.contains(name); });
    });
    if (next == services.end())
      refuse(services.front().name, "its depends_on goes in a circle", "break the circle");
    done.insert(next->name);
    sorted.push_back(std::move(*next));
    services.erase(next);
  }
  return sorted;
}

// A folder that the services' users can reach. The state folder is closed to them, so root, who
// drops to them, needs one elsewhere; the hash keeps apart stacks of different state folders.
fs::path default_data_dir(const Settings& settings) {
  const bool drops =
      ::geteuid() == 0 && std::any_of(settings.services.begin(), settings.services.end(),
                                      [](const Service& service) { return !service.user.empty(); });
  if (!drops) return settings.state_dir / "data";
  return fs::path("/var/lib/fusebox") /
         fmt::format("{}-{}", settings.stack, sha256_hex(settings.state_dir.string()).substr(0, 8));
}

}  // namespace

const Service& Settings::service(std::string_view name) const {
  for (const Service& service : services)
    if (service.name == name) return service;
  std::vector<std::string> known;
  for (const Service& service : services) known.push_back(service.name);
  throw fbx::Error(FBX_NOT_FOUND, fmt::format("there is no service \"{}\"", name),
                   fmt::format("known services: {}", fmt::join(known, ", ")));
}

fs::path Settings::log_file(std::string_view service) const {
  return state_dir / "logs" / fmt::format("{}.log", service);
}

Settings read_settings(std::string_view context_json) {
  const json::object context = json::parse(context_json).as_object();
  const json::object& config = context.at("config").as_object();
  Settings settings;
  settings.stack = text_of(context, "stack");
  settings.instance = text_of(context, "instance");
  settings.config_dir = text_of(context, "config_dir");
  settings.state_dir = text_of(context, "state_dir");
  settings.data_dir = text_of(config, "data_dir");
  settings.scratch = text_of(context, "scratch");
  if (!settings.scratch.empty()) move_scratch(settings);
  settings.path = strings_at(config, "path");
  settings.min_free = static_cast<std::uint64_t>(number_of(config, "min_free", 0));
  std::vector<Service> services;
  each_member(config, "services", [&](std::string name, const json::value& value) {
    Service service = read_service(std::move(name), value.as_object());
    if (!service.enabled) return;
    check_service(service);
    services.push_back(std::move(service));
  });
  settings.services = sort_services(std::move(services));
  if (settings.data_dir.empty()) settings.data_dir = default_data_dir(settings);
  if (!settings.scratch.empty()) take_scratch_ports(settings);
  return settings;
}

const Port* main_port(const Service& service) {
  if (service.ports.empty()) return nullptr;
  const std::string& wanted = service.main_port.empty() ? service.name : service.main_port;
  for (const Port& port : service.ports)
    if (port.name == wanted) return &port;
  return &service.ports.front();
}

int signal_number(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, int>, 7> signals{{{"TERM", SIGTERM},
                                                                            {"INT", SIGINT},
                                                                            {"QUIT", SIGQUIT},
                                                                            {"HUP", SIGHUP},
                                                                            {"USR1", SIGUSR1},
                                                                            {"USR2", SIGUSR2},
                                                                            {"KILL", SIGKILL}}};
  const std::string_view short_name = name.substr(0, 3) == "SIG" ? name.substr(3) : name;
  for (const auto& [text, number] : signals)
    if (text == short_name) return number;
  throw fbx::Error(FBX_CONFIG, fmt::format("\"{}\" is no signal to stop a service with", name),
                   "use one of TERM, INT, QUIT, HUP, USR1, USR2, KILL");
}

}  // namespace runtime_process
