// SPDX-License-Identifier: Apache-2.0
#include "common/compose_runtime/carrier.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/http.hpp"
#include "common/json.hpp"

namespace fbx::compose_runtime {

namespace {

namespace json = common::json;

constexpr std::string_view made_folder = "/fusebox-volume";

// Can the volume be read and filled whole through this container, and nothing but it?
std::optional<std::string> folder_in(const docker::ContainerDetails& details,
                                     const std::string& volume) {
  if (details.running() || details.read_only) return std::nullopt;
  const auto& mounts = details.summary.mounts;
  const auto own = std::find_if(mounts.begin(), mounts.end(), [&](const docker::Mount& mount) {
    return mount.name == volume && mount.writable;
  });
  if (own == mounts.end() || own->destination == "/") return std::nullopt;
  const bool nested = std::any_of(mounts.begin(), mounts.end(), [&](const docker::Mount& mount) {
    return mount.destination.starts_with(own->destination + "/");
  });
  return nested ? std::nullopt : std::optional(own->destination);
}

std::string find_image(docker::Engine& engine, const VolumeUse& volume,
                       const std::vector<docker::Container>& containers) {
  std::vector<std::string> candidates;
  for (const docker::Container& container : containers) candidates.push_back(container.image_id);
  candidates.push_back(volume.image);
  for (const std::string& candidate : candidates)
    if (!candidate.empty())
      if (const auto image = engine.image(candidate)) return image->id;
  throw Error(FBX_UNAVAILABLE,
              fmt::format("volume {} cannot be reached: the image of service {} is not here",
                          volume.key, volume.service),
              "fetch it first: fusebox pull");
}

std::string make_container(docker::Engine& engine, const VolumeUse& volume,
                           std::string_view project, const std::string& image,
                           const std::string& script) {
  const json::object mount{{"Type", "volume"},
                           {"Source", volume.name},
                           {"Target", made_folder},
                           {"VolumeOptions", json::object{{"NoCopy", true}}}};
  const json::value answer = engine.post(
      "/containers/create",
      json::object{
          {"Image", image},
          {"User", "0:0"},
          {"Entrypoint", json::array{"/bin/sh", "-c", script}},
          {"Cmd", json::array{}},
          {"Healthcheck", json::object{{"Test", json::array{"NONE"}}}},
          {"Labels", json::object{{std::string(docker::label::project), project},
                                  {std::string(docker::label::service), volume.service},
                                  {std::string(docker::label::oneoff), "True"}}},
          {"HostConfig", json::object{{"Mounts", json::array{mount}}, {"NetworkMode", "none"}}}});
  const auto* object = answer.if_object();
  const auto id = object ? common::text_at(*object, "Id") : std::nullopt;
  if (!id) throw Error(FBX_IO, "the engine made no container");
  return *id;
}

std::vector<docker::Container> users_of(docker::Engine& engine, const std::string& volume) {
  return engine.containers({{"volume", {volume}}});
}

void remove_quietly(const Op& op, const docker::Address& address, const std::string& id) noexcept {
  try {
    const docker::Afterwards afterwards(op);
    docker::Engine(afterwards.op(), address).remove_container(id);
  } catch (const std::exception& e) {
    op.log(Level::warn, fmt::format("container {} is left behind: {}", id.substr(0, 12), e.what()));
  }
}

}  // namespace

Carrier::Carrier(docker::Engine& engine, const VolumeUse& volume, std::string_view project)
    : engine_(engine) {
  const auto users = users_of(engine, volume.name);
  for (const docker::ContainerDetails& details : engine.inspect(users))
    if (const auto folder = folder_in(details, volume.name)) {
      id_ = details.summary.id;
      folder_ = *folder;
      return;
    }
  id_ = make_container(engine, volume, project, find_image(engine, volume, users), "exit 0");
  folder_ = made_folder;
  made_ = true;
}

Carrier::~Carrier() {
  if (made_) remove_quietly(engine_.op(), engine_.address(), id_);
}

void empty_volume(docker::Engine& engine, const VolumeUse& volume, std::string_view project,
                  const common::ArchiveRoot& root) {
  const std::string script = fmt::format(
      "cd {0} && rm -rf -- * .[!.]* ..?* && chown {1}:{2} . && chmod {3:o} . && test -z \"$(ls "
      "-A)\"",
      made_folder, root.uid, root.gid, root.mode);
  const std::string image = find_image(engine, volume, users_of(engine, volume.name));
  const std::string id = make_container(engine, volume, project, image, script);
  std::int64_t code = -1;
  try {
    engine.start(id);
    const json::value answer = engine.post(fmt::format("/containers/{}/wait", id));
    if (const auto* object = answer.if_object())
      code = common::integer_at(*object, "StatusCode").value_or(-1);
  } catch (...) {
    remove_quietly(engine.op(), engine.address(), id);
    throw;
  }
  remove_quietly(engine.op(), engine.address(), id);
  if (code != 0)
    throw Error(FBX_IO, fmt::format("volume {} could not be emptied again", volume.name),
                fmt::format("remove it by hand: docker volume rm {}", volume.name));
}

}  // namespace fbx::compose_runtime
