// SPDX-License-Identifier: Apache-2.0
#include "common/compose/lifecycle.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "common/compose/applied.hpp"
#include "common/compose/before.hpp"
#include "common/compose/project.hpp"
#include "common/compose/wait.hpp"

namespace fbx::compose {

namespace {

using Survey = std::map<std::string, std::vector<docker::ContainerDetails>>;

void check_point(const Op& op, std::string_view kind, json::value what) {
  op.checkpoint(json::serialize(json::object{{kind, std::move(what)}}));
}

json::object result(std::string summary, bool changed) {
  return {{"summary", std::move(summary)}, {"changed", changed}};
}

std::vector<std::string> chosen(Project& project, const LifecycleOptions& options) {
  const Model& model = project.model();
  if (options.services.empty()) return model.names();
  std::vector<std::string> services;
  for (const std::string& name : options.services) {
    if (model.find(name) == nullptr) {
      if (options.if_defined) continue;
      model.with_dependencies({name});  // throws
    }
    services.push_back(name);
  }
  return services;
}

// Networks that the files take for granted, and that nobody made.
void create_external_networks(Project& project) {
  for (const auto& entry : project.model().networks) {
    const ResourceModel& network = entry.second;
    if (!network.external) continue;
    const auto found = project.engine().networks({{"name", {network.name}}});
    if (std::any_of(found.begin(), found.end(),
                    [&](const docker::Network& other) { return other.name == network.name; }))
      continue;
    check_point(project.op(), checkpoint::create_network, json::value(network.name));
    project.engine().post("/networks/create", json::object{{"Name", network.name}});
    project.op().log(Level::info, fmt::format("created the external network {}", network.name));
  }
}

// The overlay was in use, and from now on is not: its containers go.
bool drops_overlay(Project& project) {
  const Settings& settings = project.settings();
  return !settings.overlay.empty() && !uses_overlay(settings) &&
         uses_overlay(with_overlay(settings, std::nullopt));
}

void remember_overlay(Project& project) {
  const Settings& settings = project.settings();
  const bool was_used = uses_overlay(with_overlay(settings, std::nullopt));
  if (was_used == uses_overlay(settings)) return;
  check_point(project.op(), checkpoint::overlay, json::value(was_used));
  note_overlay(settings, uses_overlay(settings));
}

std::vector<std::string> with_orphans(Project& project, std::vector<std::string> services) {
  for (const auto& [name, containers] : project.survey())
    if (project.model().find(name) == nullptr) services.push_back(name);
  return services;
}

// The services whose containers are others than before, or run since.
std::vector<std::string> changed_services(const Before& before, const Survey& now,
                                          const std::vector<std::string>& services) {
  const auto ids = before.ids();
  std::vector<std::string> changed;
  for (const std::string& service : services) {
    const auto it = now.find(service);
    if (it == now.end()) continue;
    const auto was = before.containers.find(service);
    const bool is_new = std::any_of(
        it->second.begin(), it->second.end(), [&](const docker::ContainerDetails& container) {
          if (!ids.contains(container.summary.id)) return true;
          return container.running() &&
                 std::any_of(was->second.begin(), was->second.end(), [&](const auto& old) {
                   return old.id == container.summary.id && !old.running;
                 });
        });
    if (is_new) changed.push_back(service);
  }
  return changed;
}

// Throws when a container was made from another image than the files name now.
void check_images(Project& project, const Survey& now, const std::vector<std::string>& services) {
  for (const std::string& name : services) {
    const ServiceModel* service = project.model().find(name);
    const auto it = now.find(name);
    if (service == nullptr || service->image.empty() || it == now.end()) continue;
    for (const docker::ContainerDetails& container : it->second)
      if (!same_image(container.summary.image, service->image))
        throw Error(FBX_FAILED,
                    fmt::format("{} runs {}, but {} is locked", name, container.summary.image,
                                service->image),
                    "run the deploy again; if it stays, `fusebox down` and deploy");
  }
}

json::object release_of(const Survey& now, const std::vector<std::string>& services) {
  json::object release;
  for (const std::string& name : services) {
    const auto it = now.find(name);
    if (it == now.end() || it->second.empty()) continue;
    const docker::Container& container = it->second.front().summary;
    release[name + ".image"] = container.image;
    release[name + ".image_id"] = container.image_id;
  }
  return release;
}

std::vector<std::string> words(std::vector<std::string> arguments,
                               const std::vector<std::string>& services) {
  arguments.insert(arguments.end(), services.begin(), services.end());
  return arguments;
}

void note_before(Project& project, const std::vector<std::string>& services) {
  check_point(project.op(), checkpoint::before, to_json(look_before(project, services)));
}

std::vector<std::string> running(const Survey& now, const std::vector<std::string>& services) {
  std::vector<std::string> names;
  for (const std::string& service : services) {
    const auto it = now.find(service);
    if (it != now.end() && std::any_of(it->second.begin(), it->second.end(),
                                       [](const auto& container) { return container.running(); }))
      names.push_back(service);
  }
  return names;
}

// A service without a health check may end a moment after it started. It gets that moment, and if
// it ends in it, that is a failure; one that ran before needs no moment.
void let_settle(Project& project, const Before& before, const std::vector<std::string>& services) {
  constexpr std::chrono::milliseconds moment{700};
  const auto is_young = [&](const std::string& service, const docker::ContainerDetails& container) {
    if (container.has_check || project.model().is_one_shot(service)) return false;
    const auto was = before.containers.find(service);
    return was == before.containers.end() ||
           std::none_of(was->second.begin(), was->second.end(), [&](const ContainerBefore& old) {
             return old.id == container.summary.id && old.running;
           });
  };
  std::map<std::string, int> young;  // by ID: the restarts so far
  for (const auto& [service, containers] : project.survey())
    if (std::find(services.begin(), services.end(), service) != services.end())
      for (const docker::ContainerDetails& container : containers)
        if (is_young(service, container)) young[container.summary.id] = container.restarts;
  if (young.empty()) return;
  common::Deadline(project.op(), moment).sleep(moment);
  for (const auto& [service, containers] : project.survey())
    for (const docker::ContainerDetails& container : containers) {
      const auto it = young.find(container.summary.id);
      if (it != young.end() && container.restarts > it->second)
        throw Error(FBX_FAILED,
                    fmt::format("{} ended right after its start and was started again", service),
                    fmt::format("`fusebox logs {}` tells why", service));
    }
  wait_until_ready(project, services);
}

}  // namespace

json::object up(Project& project, const LifecycleOptions& options) {
  project.start_engine();
  refuse_unset(project.settings(), project.loaded());
  const Model& model = project.model();
  if (const std::string skew = version_skew(project.settings(), model); !skew.empty())
    throw Error(FBX_CONFIG, skew, "give them the same tag in the versions file");
  const auto named = chosen(project, options);
  if (named.empty()) return result("the files have none of these services", false);
  const auto services =
      options.alone || options.services.empty() ? named : model.with_dependencies(named);
  for (const std::string& note : project.loaded().notes) project.op().log(Level::warn, note);
  create_external_networks(project);
  const bool drops = drops_overlay(project);
  const Before before = look_before(project, drops ? with_orphans(project, services) : services);
  check_point(project.op(), checkpoint::before, to_json(before));
  remember_overlay(project);

  std::vector<std::string> arguments{"up", "--detach", "--quiet-pull"};
  if (options.alone) arguments.emplace_back("--no-deps");
  if (options.orphans || drops) arguments.emplace_back("--remove-orphans");
  project.cli().effect(
      words(std::move(arguments), options.services.empty() ? options.services : named),
      Values::secrets);
  wait_until_ready(project, services, options.until);
  if (options.until == Until::healthy) let_settle(project, before, services);

  const Survey now = project.survey();
  check_images(project, now, services);
  Applied(project.settings()).note(services);
  const auto changed = changed_services(before, now, services);
  json::object answer =
      result(changed.empty() ? fmt::format("{} services run as configured", services.size())
                             : fmt::format("brought up {} of {} services: {}", changed.size(),
                                           services.size(), fmt::join(changed, ", ")),
             !changed.empty());
  answer["release"] = release_of(now, services);
  return answer;
}

json::object start(Project& project, const LifecycleOptions& options) {
  project.start_engine();
  const auto services = chosen(project, options);
  const Before before = look_before(project, services);
  check_point(project.op(), checkpoint::before, to_json(before));
  project.cli().effect(words({"start"}, options.services), Values::placeholders);
  wait_until_ready(project, services);
  let_settle(project, before, services);
  const auto changed = changed_services(before, project.survey(), services);
  return result(changed.empty() ? "all services ran already"
                                : fmt::format("started {}", fmt::join(changed, ", ")),
                !changed.empty());
}

json::object stop(Project& project, const LifecycleOptions& options) {
  const auto services = chosen(project, options);
  const auto names = running(project.survey(), services);
  if (names.empty()) return result("no service was running", false);
  note_before(project, services);
  project.cli().effect(words({"stop"}, options.services), Values::placeholders);
  return result(fmt::format("stopped {}", fmt::join(names, ", ")), true);
}

json::object restart(Project& project, const LifecycleOptions& options) {
  project.start_engine();
  const auto services = chosen(project, options);
  note_before(project, services);
  project.cli().effect(words({"restart"}, options.services), Values::placeholders);
  wait_until_ready(project, services);
  return result(fmt::format("restarted {}", fmt::join(services, ", ")), true);
}

json::object down(Project& project, const LifecycleOptions& options) {
  const auto services = chosen(project, options);
  const Survey before = project.survey();
  std::vector<std::string> arguments{"down"};
  if (options.volumes) arguments.emplace_back("--volumes");
  if (options.services.empty()) arguments.emplace_back("--remove-orphans");
  project.cli().effect(words(std::move(arguments), options.services), Values::placeholders);
  std::size_t removed = 0;
  for (const auto& [service, containers] : before)
    if (options.services.empty() ||
        std::find(services.begin(), services.end(), service) != services.end())
      removed += containers.size();
  std::string summary =
      removed == 0 ? "no container was there" : fmt::format("removed {} containers", removed);
  if (options.volumes) summary += "; removed the project's volumes";
  return result(std::move(summary), removed > 0 || options.volumes);
}

json::object clean(Project& project, const LifecycleOptions& options) {
  const Model& model = project.model();
  docker::Engine& engine = project.engine();
  const docker::Filters ours = docker::of_project(project.settings().project);
  std::vector<std::string> removed;
  for (const docker::Container& container : engine.containers(ours)) {
    const std::string service = service_of(container);
    const bool is_orphan = service.empty() || model.find(service) == nullptr;
    if (!is_orphan || container.state == docker::State::running) continue;
    if (engine.remove_container(container.id)) removed.push_back("container " + container.name);
  }
  docker::Filters dangling = ours;
  dangling["dangling"] = {"true"};
  if (options.volumes)
    for (const docker::Volume& volume : engine.volumes(dangling)) {
      const bool is_known =
          std::any_of(model.volumes.begin(), model.volumes.end(),
                      [&](const auto& entry) { return entry.second.name == volume.name; });
      if (!is_known && engine.remove_volume(volume.name))
        removed.push_back("volume " + volume.name);
    }
  json::object answer =
      result(removed.empty() ? "nothing was left behind"
                             : fmt::format("removed {}", fmt::join(removed, ", ")),
             !removed.empty());
  return answer;
}

}  // namespace fbx::compose
