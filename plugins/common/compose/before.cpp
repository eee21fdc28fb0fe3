// SPDX-License-Identifier: Apache-2.0
#include "common/compose/before.hpp"

#include <algorithm>
#include <boost/json/array.hpp>

#include "common/compose/applied.hpp"

namespace fbx::compose {

namespace {

std::set<std::string> texts(const json::object& object, std::string_view key) {
  std::set<std::string> all;
  if (const json::array* list = common::array_at(object, key))
    for (const json::value& item : *list)
      if (item.is_string()) all.emplace(item.get_string());
  return all;
}

template <class Texts>
json::array array_of(const Texts& all) {
  return json::array(all.begin(), all.end());
}

ContainerBefore container_from(const json::object& object) {
  return {common::text_at(object, "id").value_or(""), common::text_at(object, "image").value_or(""),
          common::text_at(object, "image_id").value_or(""),
          common::boolean_at(object, "running").value_or(false)};
}

}  // namespace

std::set<std::string> Before::ids() const {
  std::set<std::string> all;
  for (const auto& [service, list] : containers)
    for (const ContainerBefore& container : list) all.insert(container.id);
  return all;
}

Before look_before(Project& project, const std::vector<std::string>& services) {
  Before before;
  before.services = services;
  const Applied applied(project.settings());
  for (const auto& [service, containers] : project.survey()) {
    if (std::find(services.begin(), services.end(), service) == services.end()) continue;
    for (const docker::ContainerDetails& container : containers)
      before.containers[service].push_back({container.summary.id, container.summary.image,
                                            container.summary.image_id, container.running()});
    before.applied[service] = applied.of(service);
  }
  for (const docker::Volume& volume : project.engine().volumes({}))
    for (const auto& [key, model] : project.model().volumes)
      if (model.name == volume.name) before.volumes.insert(volume.name);
  for (const docker::Network& network : project.engine().networks({}))
    for (const auto& [key, model] : project.model().networks)
      if (model.name == network.name) before.networks.insert(network.name);
  return before;
}

json::object to_json(const Before& before) {
  json::object containers;
  for (const auto& [service, list] : before.containers) {
    json::array items;
    for (const ContainerBefore& container : list)
      items.push_back({{"id", container.id},
                       {"image", container.image},
                       {"image_id", container.image_id},
                       {"running", container.running}});
    containers[service] = std::move(items);
  }
  json::object applied;
  for (const auto& [service, key] : before.applied) applied[service] = key;
  return {{"services", array_of(before.services)},
          {"containers", std::move(containers)},
          {"applied", std::move(applied)},
          {"volumes", array_of(before.volumes)},
          {"networks", array_of(before.networks)}};
}

Before before_from(const json::object& object) {
  Before before;
  const auto services = texts(object, "services");
  before.services.assign(services.begin(), services.end());
  if (const json::object* containers = common::object_at(object, "containers"))
    for (const auto& member : *containers)
      if (member.value().is_array())
        for (const json::value& item : member.value().get_array())
          if (item.is_object())
            before.containers[std::string(member.key())].push_back(
                container_from(item.get_object()));
  if (const json::object* applied = common::object_at(object, "applied"))
    for (const auto& member : *applied)
      if (member.value().is_string())
        before.applied[std::string(member.key())] = std::string(member.value().get_string());
  before.volumes = texts(object, "volumes");
  before.networks = texts(object, "networks");
  return before;
}

}  // namespace fbx::compose
