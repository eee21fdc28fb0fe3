// SPDX-License-Identifier: Apache-2.0
#include "cli/context.hpp"
#include "cli/groups.hpp"
#include "cli/json_fields.hpp"
#include "cli/views.hpp"
#include "cli/watch.hpp"
#include "plugin/host.hpp"
#include "report/reporter.hpp"
#include "report/table.hpp"
#include "run/exit_code.hpp"
#include "util/clock.hpp"
#include "util/error.hpp"
#include "util/text.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <tuple>

namespace fusebox::cli {

namespace {

namespace json = boost::json;

using RuntimeCall = json::object (plugin::Host::*)(const std::string&, const json::object&,
                                                   const plugin::CallContext&);

// Services named for a phase command ("up web") are not meant for a view that follows it.
json::array wanted_services(const Context& context) {
  json::array services;
  for (const auto& name : context.args().positionals) services.emplace_back(name);
  return services;
}

json::object ask_runtime(Context& context, RuntimeCall call, std::string_view what) {
  const auto& runtime = context.runtime();
  const auto limit = std::chrono::seconds(30);
  const std::string label = fmt::format("{} ({})", runtime.name, what);
  const Watch::Guard guard(context.watch(), label, limit);
  return (context.host().*call)(runtime.name, {{"services", wanted_services(context)}},
                                context.call(label, limit));
}

Color state_color(std::string_view state, std::string_view health) {
  if (state == "missing" || state == "exited" || health == "unhealthy") return Color::red;
  if (state == "running" && (health == "healthy" || health == "none")) return Color::green;
  return Color::yellow;
}

std::string age(const json::object& service) {
  const auto started = util::parse_rfc3339(text_field(service, "started_at"));
  if (!started || text_field(service, "state") != "running") return "-";
  const auto now = std::chrono::system_clock::now();
  return util::human_duration(
      std::chrono::duration_cast<std::chrono::milliseconds>(now - *started));
}

std::string ports(const json::object& service) {
  std::vector<std::string> parts;
  for (const json::object& port : objects_field(service, "ports")) {
    const auto outside = int_field(port, "port");
    const auto inside = int_field(port, "target");
    auto text = fmt::format("{}:{}", text_field(port, "host"), outside);
    if (inside != 0 && inside != outside) text += fmt::format("->{}", inside);
    parts.push_back(std::move(text));
  }
  return parts.empty() ? "-" : fmt::format("{}", fmt::join(parts, ", "));
}

std::string status_text(const json::object& service) {
  std::string state = text_field(service, "state");
  const auto* code = service.if_contains("exit_code");
  if (state == "exited" && code != nullptr && code->is_int64())
    return fmt::format("exited ({})", code->as_int64());
  return state;
}

// A percentage, or "-" where the runtime cannot tell.
std::string percent(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_number() ? fmt::format("{:.1f}%", value->to_number<double>())
                                                : "-";
}

std::string size_text(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  const bool known = value != nullptr && value->is_number();
  return known ? util::human_size(static_cast<std::uint64_t>(int_field(object, key))) : "-";
}

std::string count_text(const json::object& object, std::string_view key) {
  return object.contains(key) ? fmt::format("{}", int_field(object, key)) : "-";
}

}  // namespace

void print_services(Context& context) {
  Output& out = context.out();
  const auto answer = ask_runtime(context, &plugin::Host::services, "services");
  report::Table table({"SERVICE", "STATE", "HEALTH", "UP", "RESTARTS", "VERSION", "PORTS"});
  table.align(4, report::Align::right);
  for (const json::object& service : objects_field(answer, "services")) {
    const auto health = text_field(service, "health");
    const auto color = state_color(text_field(service, "state"), health);
    const auto version = text_field(service, "version");
    table.add({text_field(service, "name"), out.paint(color, status_text(service)), health,
               age(service), fmt::format("{}", int_field(service, "restarts")),
               version.empty() ? "-" : version, ports(service)});
  }
  if (out.is_json()) {
    out.json(answer);
  } else {
    out.write(table.str());
  }
}

void print_urls(Context& context) {
  const auto& runtime = context.runtime();
  const auto answer = ask_runtime(context, &plugin::Host::services, "services");
  json::array urls;
  report::Table table({"SERVICE", "PORT", "WHERE"});
  for (const json::object& service : objects_field(answer, "services")) {
    if (text_field(service, "state") != "running") continue;
    const auto name = text_field(service, "name");
    for (const json::object& port : objects_field(service, "ports")) {
      const auto label = fmt::format("{} (endpoint)", runtime.name);
      const auto limit = std::chrono::seconds(10);
      const Watch::Guard guard(context.watch(), label, limit);
      const auto endpoint = context.host().endpoint(
          runtime.name,
          {{"service", name},
           {"port",
            int_field(port, "target") != 0 ? int_field(port, "target") : int_field(port, "port")}},
          context.call(label, limit));
      auto where = text_field(endpoint, "url");
      if (where.empty())
        where = fmt::format("{}:{}", text_field(endpoint, "host"), int_field(endpoint, "port"));
      urls.push_back({{"service", name}, {"port", text_field(port, "name")}, {"url", where}});
      table.add({name, text_field(port, "name"), where});
    }
  }
  Output& out = context.out();
  if (out.is_json()) {
    out.json(json::object{{"urls", std::move(urls)}});
  } else if (table.empty()) {
    out.note("no service runs");
  } else {
    out.write(table.str());
  }
}

void print_stats(Context& context) {
  const auto answer = ask_runtime(context, &plugin::Host::stats, "stats");
  if (context.out().is_json()) return context.out().json(answer);
  report::Table table({"SERVICE", "CPU", "MEMORY", "PROCESSES"});
  for (std::size_t column : {1U, 2U, 3U}) table.align(column, report::Align::right);
  for (const json::object& service : objects_field(answer, "services")) {
    table.add({text_field(service, "name"), percent(service, "cpu_percent"),
               size_text(service, "memory_bytes"),
               fmt::format("{}", int_field(service, "processes"))});
  }
  context.out().write(table.str());
}

void print_volumes(Context& context) {
  const auto answer = ask_runtime(context, &plugin::Host::volumes, "volumes");
  if (context.out().is_json()) return context.out().json(answer);
  report::Table table({"VOLUME", "SERVICE", "SIZE", "FILES", "WHERE"});
  table.align(2, report::Align::right).align(3, report::Align::right);
  for (const json::object& volume : objects_field(answer, "volumes")) {
    table.add({text_field(volume, "name"), text_field(volume, "service"),
               size_text(volume, "bytes"), count_text(volume, "files"),
               text_field(volume, "where")});
  }
  context.out().write(table.str());
}

void print_use(Context& context) {
  Output& out = context.out();
  for (const auto& [type, call, print] :
       {std::tuple{"stats", &plugin::Host::stats, &print_stats},
        std::tuple{"volumes", &plugin::Host::volumes, &print_volumes}}) {
    json::object object{{"schema_version", report::schema_version},
                        {"type", type},
                        {"time", util::rfc3339(std::chrono::system_clock::now())}};
    try {
      if (!out.is_json()) {
        out.write("\n");
        print(context);
        continue;
      }
      for (const auto& [key, value] : ask_runtime(context, call, type)) object[key] = value;
    } catch (const Error& error) {
      if (!out.is_json()) {
        out.note(fmt::format("{} cannot be told: {}", type, error.what()));
        continue;
      }
      object["error"] = {
          {"code", to_string(error.code())}, {"what", error.what()}, {"hint", error.hint()}};
    }
    out.json(object);
  }
}

int show_services(Context& context) {
  print_services(context);
  return run::to_int(run::ExitCode::ok);
}

int show_urls(Context& context) {
  print_urls(context);
  return run::to_int(run::ExitCode::ok);
}

int show_stats(Context& context) {
  print_stats(context);
  return run::to_int(run::ExitCode::ok);
}

int show_volumes(Context& context) {
  print_volumes(context);
  return run::to_int(run::ExitCode::ok);
}

}  // namespace fusebox::cli
