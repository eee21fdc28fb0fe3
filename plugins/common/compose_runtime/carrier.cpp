// SPDX-License-Identifier: Apache-2.0
#include "common/compose_runtime/carrier.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/compose_runtime/volume_io.hpp"
#include "common/json.hpp"
#include "common/result.hpp"

namespace fbx::compose_runtime {

namespace {

namespace json = common::json;

constexpr std::string_view made_folder = "/fusebox-volume";
constexpr std::string_view script_file = "fusebox-script";
constexpr std::string_view made_label = "dev.fusebox.carrier";
// A script that removes many files takes its time; the step's deadline ends it.
constexpr std::chrono::hours script_time{24 * 365};

// Can the volume be read and filled whole through this container, and nothing but it?
std::optional<std::string> folder_in(const docker::ContainerDetails& details,
                                     const std::string& volume, Reuse reuse) {
  const bool usable = reuse == Reuse::running || (reuse == Reuse::stopped && !details.running());
  if (!usable || details.read_only) return std::nullopt;
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
                           std::string_view project, const std::string& image) {
  const json::object mount{{"Type", "volume"},
                           {"Source", volume.name},
                           {"Target", made_folder},
                           {"VolumeOptions", json::object{{"NoCopy", true}}}};
  const json::value answer = engine.post(
      "/containers/create",
      json::object{
          {"Image", image},
          {"User", "0:0"},
          {"Entrypoint", json::array{"/bin/sh", fmt::format("/{}", script_file)}},
          {"Cmd", json::array{}},
          {"Env", json::array{"LC_ALL=C"}},
          {"WorkingDir", made_folder},
          {"Tty", true},
          {"Healthcheck", json::object{{"Test", json::array{"NONE"}}}},
          {"Labels", json::object{{std::string(docker::label::project), project},
                                  {std::string(docker::label::service), volume.service},
                                  {std::string(docker::label::oneoff), "True"},
                                  {std::string(made_label), "yes"}}},
          {"HostConfig", json::object{{"Mounts", json::array{mount}},
                                      {"NetworkMode", "none"},
                                      {"LogConfig", json::object{{"Type", "json-file"}}}}}});
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

Carrier::Carrier(docker::Engine& engine, const VolumeUse& volume, std::string_view project,
                 Reuse reuse)
    : engine_(engine) {
  const auto users = users_of(engine, volume.name);
  if (reuse != Reuse::no)
    for (const docker::ContainerDetails& details : engine.inspect(users))
      if (const auto folder = folder_in(details, volume.name, reuse)) {
        id_ = details.summary.id;
        folder_ = *folder;
        return;
      }
  id_ = make_container(engine, volume, project, find_image(engine, volume, users));
  folder_ = made_folder;
  made_ = true;
}

Carrier::~Carrier() {
  if (made_) remove_quietly(engine_.op(), engine_.address(), id_);
}

void Carrier::run(const std::string& script, const std::string& what) {
  put_entries(engine_, id_, "/", {{std::string(script_file), script, 0500}});
  try {
    engine_.start(id_);
  } catch (const docker::EngineError& e) {
    throw Error(FBX_UNSUPPORTED, fmt::format("cannot run a shell while {}: {}", what, e.what()),
                "the image of the service needs /bin/sh with mv, rm, ls, chown and chmod");
  }
  docker::Engine patient(engine_.op(), engine_.address(), script_time);
  const json::value answer = patient.post(fmt::format("/containers/{}/wait", id_));
  const auto* object = answer.if_object();
  const auto code = object ? common::integer_at(*object, "StatusCode") : std::nullopt;
  if (code == 0) return;
  const std::string said = common::one_line(read_output(engine_, id_));
  throw Error(FBX_IO, fmt::format("{} failed: {}", what, said.empty() ? "no reason given" : said),
              "see whether the volume's disk is full or broken, then try again");
}

void remove_carriers(docker::Engine& engine, const VolumeUse& volume) {
  const common::Deadline deadline(engine.op(), std::chrono::minutes{1});
  const auto left = [&] {
    auto users = users_of(engine, volume.name);
    std::erase_if(users, [](const docker::Container& container) {
      return container.label(made_label).empty();
    });
    return users;
  };
  for (auto carriers = left(); !carriers.empty(); carriers = left()) try {
      for (const docker::Container& container : carriers) engine.remove_container(container.id);
    } catch (const docker::EngineError& e) {
      // Whoever made it was interrupted while it removed it: the engine is still at that.
      if (e.status() != 409 || deadline.passed()) throw;
      deadline.sleep(std::chrono::milliseconds{100});
    }
}

void empty_volume(docker::Engine& engine, const VolumeUse& volume, std::string_view project,
                  const common::ArchiveRoot& root) {
  Carrier(engine, volume, project, Reuse::no)
      .run(fmt::format("rm -rf -- * .[!.]* ..?* && chown {}:{} . && chmod {:o} . && test -z "
                       "\"$(ls -A)\"",
                       root.uid, root.gid, root.mode),
           fmt::format("emptying volume {} again", volume.name));
}

}  // namespace fbx::compose_runtime
