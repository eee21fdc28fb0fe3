// SPDX-License-Identifier: Apache-2.0
#include "common/compose_runtime/scene.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace fbx::compose_runtime {

namespace {

using docker::Container;
using docker::State;

// "postgres:service_healthy:false,redis:service_started:true", as Compose writes it.
std::vector<std::string> dependencies(std::string_view label) {
  std::vector<std::string> out;
  while (!label.empty()) {
    const auto comma = std::min(label.find(','), label.size());
    const std::string_view one = label.substr(0, comma);
    if (const auto name = one.substr(0, one.find(':')); !name.empty()) out.emplace_back(name);
    label.remove_prefix(std::min(comma + 1, label.size()));
  }
  return out;
}

// What can be told of a project by its containers alone.
Layout layout_of(const std::vector<Container>& containers) {
  Layout layout;
  std::set<std::string> seen;
  for (const Container& container : containers) {
    const std::string name = container.label(docker::label::service);
    if (name.empty() || !seen.insert(name).second) continue;
    Layout::Service service;
    service.name = name;
    service.image = container.image;
    service.depends_on = dependencies(container.label(docker::label::depends_on));
    for (const docker::Port& port : container.ports)
      if (std::none_of(service.ports.begin(), service.ports.end(),
                       [&](const Layout::Port& known) { return known.target == port.target; }))
        service.ports.push_back({port.target, ""});
    for (const docker::Mount& mount : container.mounts)
      if (mount.type == "volume") service.volumes[mount.name] = mount.destination;
    layout.services.push_back(std::move(service));
  }
  std::sort(layout.services.begin(), layout.services.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return layout;
}

}  // namespace

const Layout::Service* Layout::find(std::string_view name) const {
  const auto found = std::find_if(services.begin(), services.end(),
                                  [&](const Service& service) { return service.name == name; });
  return found == services.end() ? nullptr : &*found;
}

std::vector<Container> list_containers(docker::Engine& engine, std::string_view project) {
  std::vector<Container> all = engine.containers(docker::of_project(project));
  std::erase_if(all, [](const Container& container) {
    return container.label(docker::label::oneoff) == "True" ||
           container.label(docker::label::service).empty();
  });
  return all;
}

Scene::Scene(const Op& op, const Project& project)
    : project_(&project),
      engine_(op, docker::find_engine(project.engine)),
      containers_(list_containers(engine_, project.name)) {
  auto layout = project.layout ? project.layout(op) : std::nullopt;
  layout_ = layout ? *std::move(layout) : layout_of(containers_);
}

const Layout::Service& Scene::service(std::string_view name) const {
  if (const auto* found = layout_.find(name)) return *found;
  std::vector<std::string> names;
  for (const auto& service : layout_.services) names.push_back(service.name);
  throw Error(FBX_NOT_FOUND,
              fmt::format("the project {} has no service \"{}\"", project_->name, name),
              names.empty() ? "nothing of it is there yet: fusebox up"
                            : fmt::format("its services: {}", fmt::join(names, ", ")));
}

std::vector<const Layout::Service*> Scene::select(const json::object& request) const {
  const auto names = texts_at(request, "services");
  for (const std::string& name : names) service(name);
  std::vector<const Layout::Service*> out;
  for (const auto& service : layout_.services)
    if (names.empty() || std::find(names.begin(), names.end(), service.name) != names.end())
      out.push_back(&service);
  return out;
}

std::vector<Container> Scene::of(std::string_view service) const {
  std::vector<Container> out;
  for (const Container& container : containers_)
    if (container.label(docker::label::service) == service) out.push_back(container);
  std::stable_sort(out.begin(), out.end(), [](const Container& a, const Container& b) {
    return (a.state == State::running) > (b.state == State::running);
  });
  return out;
}

std::vector<std::string> texts_at(const json::object& object, std::string_view key) {
  std::vector<std::string> out;
  if (const json::array* list = common::array_at(object, key))
    for (const json::value& item : *list)
      if (item.is_string()) out.emplace_back(item.get_string());
  return out;
}

}  // namespace fbx::compose_runtime
