// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "common/compose_runtime/runtime.hpp"
#include "common/compose_runtime/turn.hpp"
#include "common/compose_runtime/volume_io.hpp"

namespace fbx::compose_runtime {

std::string ComposeRuntime::volumes(Op& op, std::string_view text) {
  const json::object request = common::parse_object(text, "the request");
  Scene scene(op, project_);
  const auto selected = scene.select(request);
  const bool all = texts_at(request, "services").empty();
  const auto existing = scene.engine().measured_volumes();
  std::vector<docker::Volume> ours;
  for (const docker::Volume& volume : existing) {
    const auto label = volume.labels.find(std::string(docker::label::project));
    if (label != volume.labels.end() && label->second == scene.project().name)
      ours.push_back(volume);
  }
  json::array out;
  for (const VolumeUse& use : find_volumes(scene, ours)) {
    const auto volume = std::find_if(existing.begin(), existing.end(),
                                     [&](const docker::Volume& v) { return v.name == use.name; });
    const bool wanted = all || std::any_of(selected.begin(), selected.end(),
                                           [&](const auto* s) { return s->name == use.service; });
    if (volume == existing.end() || !wanted) continue;
    json::object item{{"name", use.key}, {"service", use.service}, {"where", volume->where}};
    if (volume->bytes >= 0) item["bytes"] = live_bytes(scene, use, volume->bytes);
    out.push_back(std::move(item));
  }
  return json::serialize(json::object{{"volumes", std::move(out)}});
}

std::string ComposeRuntime::volume_export(Op& op, std::string_view text, int fd) {
  Scene scene(op, project_);
  docker::Engine& engine = scene.engine();
  const json::object request = common::parse_object(text, "the request");
  const VolumeUse volume = find_volume(scene, request);
  const bool live = common::boolean_at(request, "live").value_or(false);
  if (!engine.volume(volume.name))
    throw Error(FBX_NOT_FOUND, fmt::format("volume {} has no data yet", volume.key),
                "bring its service up first: fusebox up");
  if (!live) require_stopped(scene, volume);
  const Carrier carrier(engine, volume, project_.name, live ? Reuse::running : Reuse::stopped);
  try {
    return totals_json(export_through(engine, carrier, fd, "exporting " + volume.key));
  } catch (const common::BrokenArchive&) {
    // The engine ends a stream early, and says nothing, when a file is shorter than it was or gone.
    if (!live) throw;
    throw Error(FBX_UNAVAILABLE, fmt::format("volume {} changed while it was read", volume.key),
                "try again; if that does not help, stop its service first");
  }
}

std::string ComposeRuntime::volume_import(Op& op, std::string_view text, int fd) {
  Scene scene(op, project_);
  docker::Engine& engine = scene.engine();
  const VolumeUse volume = find_volume(scene, common::parse_object(text, "the request"));
  require_stopped(scene, volume);
  const bool made = make_volume(scene, volume);
  common::ArchiveRoot root;
  bool touched = false;
  try {
    const Carrier carrier(engine, volume, project_.name, Reuse::stopped);
    root = look_into(engine, carrier.id(), carrier.folder()).value_or(root);
    if (!root.empty)
      throw Error(FBX_CONFLICT, fmt::format("volume {} is not empty", volume.key),
                  "a stream is only unpacked into an empty volume: remove the volume first");
    touched = true;
    return totals_json(fill(engine, carrier, "", fd, "importing " + volume.key));
  } catch (...) {
    const docker::Afterwards afterwards(op);
    docker::Engine cleaner(afterwards.op(), engine.address(), std::chrono::minutes{2});
    if (made)
      cleaner.remove_volume(volume.name);
    else if (touched)
      empty_volume(cleaner, volume, project_.name, root);
    throw;
  }
}

}  // namespace fbx::compose_runtime
