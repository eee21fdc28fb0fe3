// SPDX-License-Identifier: Apache-2.0
#include "common/compose/model.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <charconv>
#include <fusebox/plugin.hpp>
#include <set>

#include "common/compose/scratch.hpp"
#include "common/json.hpp"

namespace fbx::compose {

namespace json = boost::json;

namespace {

std::string text(const json::object& object, std::string_view key) {
  return common::text_at(object, key).value_or("");
}

// Compose writes some numbers as text.
std::string number_text(const json::object& object, std::string_view key) {
  if (const auto number = common::integer_at(object, key)) return std::to_string(*number);
  return text(object, key);
}

template <class Visit>
void each(const json::object& object, std::string_view key, Visit visit) {
  if (const json::object* members = common::object_at(object, key))
    for (const auto& member : *members) visit(std::string(member.key()), member.value());
}

template <class Visit>
void each_object(const json::object& object, std::string_view key, Visit visit) {
  if (const json::array* items = common::array_at(object, key))
    for (const json::value& item : *items)
      if (item.is_object()) visit(item.get_object());
}

PublishedPort read_port(const json::object& port) {
  PublishedPort result;
  result.host_ip = text(port, "host_ip");
  result.published =
      number_text(port, port.contains(published_by_files) ? published_by_files : "published");
  result.target = static_cast<std::uint16_t>(common::integer_at(port, "target").value_or(0));
  result.protocol = common::text_at(port, "protocol").value_or("tcp");
  return result;
}

bool has_check(const json::object& service) {
  const json::object* check = common::object_at(service, "healthcheck");
  return check != nullptr && !common::boolean_at(*check, "disable").value_or(false);
}

int replicas_of(const json::object& service) {
  if (const auto scale = common::integer_at(service, "scale")) return static_cast<int>(*scale);
  const json::object* deploy = common::object_at(service, "deploy");
  if (deploy == nullptr) return 1;
  return static_cast<int>(common::integer_at(*deploy, "replicas").value_or(1));
}

ServiceModel read_service(std::string name, const json::object& service) {
  ServiceModel result;
  result.name = std::move(name);
  result.image = text(service, "image");
  result.is_built = common::object_at(service, "build") != nullptr;
  result.has_check = has_check(service);
  result.restart = text(service, "restart");
  result.user = text(service, "user");
  result.replicas = replicas_of(service);
  each(service, "depends_on", [&](std::string other, const json::value& how) {
    result.depends_on[std::move(other)] =
        how.is_object() ? text(how.get_object(), "condition") : "";
  });
  each_object(service, "ports",
              [&](const json::object& port) { result.ports.push_back(read_port(port)); });
  each_object(service, "volumes", [&](const json::object& use) {
    result.volumes.push_back({text(use, "type"), text(use, "source"), text(use, "target")});
  });
  each(service, "labels", [&](std::string key, const json::value& value) {
    if (key.starts_with("dev.orbstack.") && value.is_string())
      result.labels[std::move(key)] = std::string(value.get_string());
  });
  return result;
}

std::map<std::string, ResourceModel> read_resources(const json::object& config,
                                                    std::string_view key) {
  std::map<std::string, ResourceModel> resources;
  each(config, key, [&](std::string name, const json::value& value) {
    ResourceModel resource;
    if (value.is_object()) {
      resource.name = text(value.get_object(), "name");
      resource.external = common::boolean_at(value.get_object(), "external").value_or(false);
    }
    resources[std::move(name)] = std::move(resource);
  });
  return resources;
}

json::object texts_json(const std::map<std::string, std::string>& texts) {
  json::object object;
  for (const auto& [key, value] : texts) object[key] = value;
  return object;
}

json::object service_json(const ServiceModel& service) {
  json::array ports;
  for (const PublishedPort& port : service.ports)
    ports.push_back({{"host_ip", port.host_ip},
                     {"published", port.published},
                     {"target", port.target},
                     {"protocol", port.protocol}});
  json::array volumes;
  for (const VolumeUse& use : service.volumes)
    volumes.push_back({{"type", use.type}, {"source", use.source}, {"target", use.target}});
  json::object depends_on;
  for (const auto& [other, condition] : service.depends_on)
    depends_on[other] = json::object{{"condition", condition}};
  json::object result{{"image", service.image},
                      {"restart", service.restart},
                      {"user", service.user},
                      {"scale", service.replicas},
                      {"depends_on", std::move(depends_on)},
                      {"ports", std::move(ports)},
                      {"volumes", std::move(volumes)},
                      {"labels", texts_json(service.labels)}};
  if (service.is_built) result["build"] = json::object{};
  if (service.has_check) result["healthcheck"] = json::object{};
  return result;
}

json::object resources_json(const std::map<std::string, ResourceModel>& resources) {
  json::object object;
  for (const auto& [key, resource] : resources)
    object[key] = json::object{{"name", resource.name}, {"external", resource.external}};
  return object;
}

}  // namespace

const ServiceModel* Model::find(std::string_view name) const {
  const auto it = std::find_if(services.begin(), services.end(),
                               [&](const ServiceModel& service) { return service.name == name; });
  return it == services.end() ? nullptr : &*it;
}

std::vector<std::string> Model::names() const {
  std::vector<std::string> all;
  for (const ServiceModel& service : services) all.push_back(service.name);
  return all;
}

bool Model::is_one_shot(std::string_view service) const {
  return std::any_of(services.begin(), services.end(), [&](const ServiceModel& other) {
    const auto it = other.depends_on.find(std::string(service));
    return it != other.depends_on.end() && it->second == "service_completed_successfully";
  });
}

std::vector<std::string> Model::with_dependencies(const std::vector<std::string>& wanted) const {
  if (wanted.empty()) return names();
  std::set<std::string> chosen;
  std::vector<std::string> open = wanted;
  while (!open.empty()) {
    const std::string name = std::move(open.back());
    open.pop_back();
    const ServiceModel* service = find(name);
    if (service == nullptr)
      throw Error(FBX_NOT_FOUND, fmt::format("the Compose files have no service \"{}\"", name),
                  fmt::format("they have {}", fmt::join(names(), ", ")));
    if (!chosen.insert(name).second) continue;
    for (const auto& [other, condition] : service->depends_on)
      if (find(other) != nullptr) open.push_back(other);
  }
  return {chosen.begin(), chosen.end()};
}

Model model_from(const json::object& config) {
  Model model;
  model.project = text(config, "name");
  each(config, "services", [&](std::string name, const json::value& value) {
    if (value.is_object())
      model.services.push_back(read_service(std::move(name), value.get_object()));
  });
  std::sort(model.services.begin(), model.services.end(),
            [](const ServiceModel& a, const ServiceModel& b) { return a.name < b.name; });
  model.volumes = read_resources(config, "volumes");
  model.networks = read_resources(config, "networks");
  return model;
}

Model read_model(const json::object& config) {
  Model model = model_from(config);
  if (model.services.empty())
    throw Error(FBX_CONFIG,
                fmt::format("the Compose files of project \"{}\" have no service", model.project),
                "look at `files` and `profiles` in the plugin's settings");
  return model;
}

json::object to_json(const Model& model) {
  json::object services;
  for (const ServiceModel& service : model.services) services[service.name] = service_json(service);
  return {{"name", model.project},
          {"services", std::move(services)},
          {"volumes", resources_json(model.volumes)},
          {"networks", resources_json(model.networks)}};
}

}  // namespace fbx::compose
