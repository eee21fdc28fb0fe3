// SPDX-License-Identifier: Apache-2.0
#include "verbs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fusebox/plugin.hpp>
#include <mutex>
#include <set>

#include "crew.hpp"
#include "outline.hpp"
#include "request.hpp"
#include "scratch.hpp"
#include "staged.hpp"

namespace runtime_process {
namespace {

namespace json = boost::json;

struct Request {
  std::string verb;
  std::string run;
  std::vector<std::string> services;
  bool volumes = false;
};

Request read_request(std::string_view text) {
  const json::object in = parse_request(text);
  Request request{string_at(in, "verb"), string_at(in, "run"), {}, false};
  if (const json::value* with = in.if_contains("with"); with != nullptr && with->is_object()) {
    request.services = strings_at(with->as_object(), "services");
    request.volumes = bool_at(with->as_object(), "volumes");
  }
  static constexpr std::string_view verbs[] = {"up", "start", "stop", "restart", "down"};
  if (std::find(std::begin(verbs), std::end(verbs), request.verb) == std::end(verbs))
    throw fbx::Error(FBX_UNSUPPORTED, fmt::format("this runtime has no verb \"{}\"", request.verb),
                     "it has up, start, stop, restart and down");
  return request;
}

json::array to_array(const std::vector<std::string>& list) {
  return json::array(list.begin(), list.end());
}

std::set<std::string> set_of(const std::vector<std::string>& list) {
  return {list.begin(), list.end()};
}

json::array findings_of(const Outline& outline) {
  json::array findings;
  for (const std::string& text : outline.left_out)
    findings.push_back({{"severity", "warning"},
                        {"what", "an optional service is left out"},
                        {"evidence", text},
                        {"remedy", "install the program, or set enabled = false"}});
  return findings;
}

std::string stop_checkpoint(const Record& record) {
  return json::serialize(json::object{{checkpoint::stop, record.definition.service},
                                      {"run", record.run},
                                      {"definition", to_json(record.definition)}});
}

// ---- up and start -------------------------------------------------------------------------------

void make_move(const Scene& scene, const Move& move, Crew& crew) {
  const std::string& name = move.service->name;
  if (move.kind == Move::Kind::keep) {
    wait_ready(scene, move.definition);
    return;
  }
  if (move.creates_volume) {
    crew.checkpoint(json::serialize(json::object{{checkpoint::create_volume, name}}));
    create_volume(scene, *move.service, move.definition);
  }
  if (move.kind == Move::Kind::restart) {
    const auto record = read_record(scene.settings.state_dir, name);
    if (record) crew.checkpoint(stop_checkpoint(*record));
    scene.wait.op().log(fbx::Level::info, fmt::format("restarting {}: {}", name, move.why));
    stop_service(scene, name);
  }
  crew.checkpoint(json::serialize(json::object{{checkpoint::start, name}}));
  scene.wait.check("starting " + name);
  start_service(scene, move.definition);
  wait_ready(scene, move.definition);
}

std::string up(fbx::Op& op, const Settings& settings, const Request& request, Volumes volumes) {
  const Outline outline = outline_up(settings, request.services, volumes);
  keep_scratch_ports(settings);
  std::mutex progress_mutex;
  std::uint64_t ready = 0;
  std::vector<std::string> started;
  Crew crew(op);
  const Scene scene{settings, request.run, Wait(op, &crew.stopping())};
  std::vector<Task> tasks;
  for (const Move& move : outline.moves) {
    if (move.kind != Move::Kind::keep) started.push_back(move.service->name);
    tasks.push_back({move.service->name, move.service->depends_on, [&](Crew& self) {
                       make_move(scene, move, self);
                       const std::lock_guard lock(progress_mutex);
                       op.progress(++ready, outline.moves.size(), "services",
                                   move.service->name + " is ready");
                     }});
  }
  crew.run(std::move(tasks));
  json::object result{
      {"summary", started.empty() ? fmt::format("{} services run already", outline.moves.size())
                                  : fmt::format("started {} of {} services: {}", started.size(),
                                                outline.moves.size(), fmt::join(started, ", "))},
      {"changed", !started.empty()}};
  if (json::array findings = findings_of(outline); !findings.empty())
    result["findings"] = std::move(findings);
  return json::serialize(result);
}

// ---- stop and down ------------------------------------------------------------------------------

// Every service in `selected` that runs, each after those that depend on it.
std::vector<std::string> stop_all(fbx::Op& op, const Settings& settings, const Request& request,
                                  const std::vector<const Service*>& selected) {
  std::mutex mutex;
  std::vector<std::string> stopped;
  Crew crew(op);
  const Scene scene{settings, request.run, Wait(op, &crew.stopping())};
  std::vector<Task> tasks;
  for (const Service* service : selected) {
    std::vector<std::string> dependents;
    for (const Service* other : selected)
      if (std::find(other->depends_on.begin(), other->depends_on.end(), service->name) !=
          other->depends_on.end())
        dependents.push_back(other->name);
    tasks.push_back({service->name, dependents, [&, service](Crew& self) {
                       scene.wait.check("stopping " + service->name);
                       const Status status = status_of(settings, service->name);
                       if (status.state == State::running)
                         self.checkpoint(stop_checkpoint(*status.record));
                       if (!stop_service(scene, service->name)) return;
                       const std::lock_guard lock(mutex);
                       stopped.push_back(service->name);
                       op.progress(stopped.size(), selected.size(), "services",
                                   service->name + " is stopped");
                     }});
  }
  crew.run(std::move(tasks));
  return stopped;
}

// On record, but no longer in the config (removed, disabled, or a killed init).
std::vector<std::string> strays(const Settings& settings) {
  std::vector<std::string> names = recorded_services(settings);
  std::erase_if(names, [&](const std::string& name) {
    return std::any_of(settings.services.begin(), settings.services.end(),
                       [&](const Service& service) { return service.name == name; });
  });
  return names;
}

std::string stop(fbx::Op& op, const Settings& settings, const Request& request) {
  const auto stopped = stop_all(op, settings, request, select(settings, request.services));
  return json::serialize(json::object{
      {"summary", stopped.empty() ? "no service was running"
                                  : fmt::format("stopped {}", fmt::join(stopped, ", "))},
      {"changed", !stopped.empty()}});
}

bool has_data(const Settings& settings, const std::string& service) {
  return fs::exists(settings.volume(service)) || fs::exists(staged_dir(settings, service));
}

// The data and the logs; when no service was named, also of those that the config no longer has.
std::vector<std::string> remove_data(const Settings& settings, const Request& request,
                                     const std::vector<const Service*>& selected) {
  std::set<std::string> names;
  for (const Service* service : selected) names.insert(service->name);
  if (request.services.empty()) {
    names.merge(set_of(recorded_volumes(settings)));
    names.merge(set_of(staged_volumes(settings)));
  }
  std::vector<std::string> removed;
  for (const std::string& name : names) {
    if (has_data(settings, name)) removed.push_back(name);
    remove_volume(settings, name);
    remove_tree(settings.run_dir(name));
    const fs::path log = settings.log_file(name);
    remove_tree(log);
    for (int n = 1; fs::exists(fmt::format("{}.{}", log.string(), n)); ++n)
      remove_tree(fmt::format("{}.{}", log.string(), n));
  }
  if (request.services.empty()) remove_empty_folders(settings);
  return removed;
}

std::string down(fbx::Op& op, const Settings& settings, const Request& request) {
  const auto selected = select(settings, request.services);
  auto stopped = stop_all(op, settings, request, selected);
  const Scene scene{settings, request.run, Wait(op)};
  bool changed = !stopped.empty();
  if (request.services.empty()) {
    for (const std::string& name : strays(settings)) {
      if (stop_service(scene, name)) stopped.push_back(name);
      forget_service(settings, name);
      changed = true;
    }
  }
  for (const Service* service : selected) {
    changed = changed || read_record(settings.state_dir, service->name).has_value();
    forget_service(settings, service->name);
    remove_tree(settings.run_dir(service->name));
  }
  std::vector<std::string> removed;
  if (request.volumes) removed = remove_data(settings, request, selected);
  std::string summary = stopped.empty() ? "no service was running"
                                        : fmt::format("stopped {}", fmt::join(stopped, ", "));
  if (!removed.empty())
    summary += fmt::format("; removed the data of {}", fmt::join(removed, ", "));
  return json::serialize(
      json::object{{"summary", summary}, {"changed", changed || !removed.empty()}});
}

std::string restart(fbx::Op& op, const Settings& settings, const Request& request) {
  outline_up(settings, request.services, Volumes::must_exist);  // refuse before anything stops
  stop_all(op, settings, request, select(settings, request.services));
  return up(op, settings, request, Volumes::must_exist);
}

std::vector<std::string> describe_stop(const Settings& settings, const Request& request) {
  std::vector<std::string> lines;
  auto selected = select(settings, request.services);
  std::reverse(selected.begin(), selected.end());
  for (const Service* service : selected)
    if (status_of(settings, service->name).state == State::running)
      lines.push_back(fmt::format("stop {} (SIG{}, {} of grace)", service->name,
                                  service->stop_signal, format_duration(service->stop_grace)));
  return lines;
}

}  // namespace

std::string plan_verb(fbx::Op&, const Settings& settings, std::string_view text) {
  const Request request = read_request(text);
  std::vector<std::string> actions;
  json::object result;
  if (request.verb != "up" && request.verb != "start") actions = describe_stop(settings, request);
  if (request.verb == "down" && request.volumes)
    for (const Service* service : select(settings, request.services))
      if (has_data(settings, service->name))
        actions.push_back(fmt::format("remove the data of {} for good: {}", service->name,
                                      settings.volume(service->name).string()));
  if (request.verb == "up" || request.verb == "start" || request.verb == "restart") {
    const Outline outline = outline_up(
        settings, request.services, request.verb == "up" ? Volumes::create : Volumes::must_exist);
    if (request.verb == "restart")
      for (const Move& move : outline.moves)
        actions.push_back(fmt::format("start {}", move.service->name));
    else
      actions = describe(outline);
    if (json::array findings = findings_of(outline); !findings.empty())
      result["findings"] = std::move(findings);
  }
  result["summary"] = actions.empty() ? "nothing to do" : fmt::format("{} actions", actions.size());
  result["actions"] = to_array(actions);
  result["changed"] = !actions.empty();
  return json::serialize(result);
}

std::string run_verb(fbx::Op& op, const Settings& settings, std::string_view text) {
  const Request request = read_request(text);
  if (request.verb == "up") return up(op, settings, request, Volumes::create);
  if (request.verb == "start") return up(op, settings, request, Volumes::must_exist);
  if (request.verb == "stop") return stop(op, settings, request);
  if (request.verb == "restart") return restart(op, settings, request);
  return down(op, settings, request);
}

}  // namespace runtime_process
