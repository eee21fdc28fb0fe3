// SPDX-License-Identifier: Apache-2.0
#include "common/compose/bridge.hpp"

#include <charconv>

#include "common/compose/model.hpp"
#include "common/compose/project.hpp"

namespace fbx::compose {

namespace {

using compose_runtime::Layout;

// Of a range and of nothing 0.
std::uint16_t number(std::string_view text) {
  std::uint16_t value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && rest == text.data() + text.size() ? value : std::uint16_t{0};
}

Layout::Service service_layout(const Model& model, const ServiceModel& service) {
  Layout::Service layout;
  layout.name = service.name;
  layout.image = service.image;
  for (const auto& [other, condition] : service.depends_on) layout.depends_on.push_back(other);
  for (const PublishedPort& port : service.ports)
    layout.ports.push_back({port.target, "", number(port.published)});
  for (const VolumeUse& use : service.volumes)
    if (use.type == "volume") layout.volumes[use.source] = use.target;
  layout.one_shot = model.is_one_shot(service.name);
  return layout;
}

Layout layout_of(const Model& model) {
  Layout layout;
  for (const ServiceModel& service : model.services)
    layout.services.push_back(service_layout(model, service));
  for (const auto& [key, volume] : model.volumes) layout.volumes[key] = volume.name;
  return layout;
}

}  // namespace

compose_runtime::Project runtime_project(const Settings& settings) {
  compose_runtime::Project project;
  project.engine = {settings.engine, settings.context};
  project.name = settings.project;
  project.layout = [settings](const Op& op) -> std::optional<Layout> {
    try {
      return layout_of(model_for_question(op, settings));
    } catch (const Error& e) {
      // No Compose here and none ever was: the containers alone tell.
      if (e.rc() == FBX_NOT_FOUND || e.rc() == FBX_UNSUPPORTED) return std::nullopt;
      throw;
    }
  };
  return project;
}

}  // namespace fbx::compose
