// SPDX-License-Identifier: Apache-2.0
#include "common/compose_runtime/volume_use.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace fbx::compose_runtime {

std::vector<VolumeUse> find_volumes(Scene& scene, const std::vector<docker::Volume>& existing) {
  std::vector<VolumeUse> out;
  const auto known = [&](const std::string& name) {
    return std::any_of(out.begin(), out.end(), [&](const auto& use) { return use.name == name; });
  };
  for (const Layout::Service& service : scene.layout().services)
    for (const auto& [key, folder] : service.volumes) {
      const auto named = scene.layout().volumes.find(key);
      std::string name = named == scene.layout().volumes.end() ? key : named->second;
      if (!known(name)) out.push_back({key, std::move(name), service.name, service.image});
    }
  for (const docker::Volume& volume : existing) {
    const auto key = volume.labels.find(std::string(docker::label::volume));
    const bool named = key != volume.labels.end();
    const auto use = std::find_if(out.begin(), out.end(),
                                  [&](const VolumeUse& u) { return u.name == volume.name; });
    // Told by containers alone, the layout knows the engine's names only.
    if (use != out.end()) {
      if (named) use->key = key->second;
    } else if (named) {
      out.push_back({key->second, volume.name, "", ""});
    }
  }
  return out;
}

VolumeUse find_volume(Scene& scene, const json::object& request) {
  const std::string wanted = common::text_at(request, "volume").value_or("");
  const auto all =
      find_volumes(scene, scene.engine().volumes(docker::of_project(scene.project().name)));
  std::vector<std::string> names;
  for (const VolumeUse& use : all) {
    if (use.key == wanted || use.name == wanted) return use;
    names.push_back(use.key);
  }
  throw Error(FBX_NOT_FOUND,
              fmt::format("the project {} has no volume \"{}\"", scene.project().name, wanted),
              fmt::format("its volumes: {}", fmt::join(names, ", ")));
}

void require_stopped(Scene& scene, const VolumeUse& volume) {
  for (const docker::Container& user : scene.engine().containers({{"volume", {volume.name}}})) {
    if (user.state != docker::State::running && user.state != docker::State::restarting &&
        user.state != docker::State::paused)
      continue;
    const std::string service = user.label(docker::label::service);
    const bool ours = user.label(docker::label::project) == scene.project().name;
    throw Error(FBX_CONFLICT,
                ours ? fmt::format("service {} runs", service)
                     : fmt::format("container {} runs and uses volume {}", user.name, volume.name),
                ours ? fmt::format("stop it first: fusebox stop {}", service) : "stop it first");
  }
}

bool make_volume(Scene& scene, const VolumeUse& volume) {
  if (scene.engine().volume(volume.name)) return false;
  scene.engine().post(
      "/volumes/create",
      json::object{
          {"Name", volume.name},
          {"Labels", json::object{{std::string(docker::label::project), scene.project().name},
                                  {std::string(docker::label::volume), volume.key}}}});
  return true;
}

}  // namespace fbx::compose_runtime
