// SPDX-License-Identifier: Apache-2.0
#include "common/compose/owners.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "common/compose/project.hpp"
#include "common/http.hpp"

namespace fbx::compose {

namespace {

constexpr std::size_t header_size = 512;

std::string image_user(docker::Engine& engine, const std::string& image) {
  try {
    const json::value answer =
        engine.get(fmt::format("/images/{}/json", common::url_encode(image)));
    if (!answer.is_object()) return {};
    const json::object* config = common::object_at(answer.get_object(), "Config");
    return config == nullptr ? "" : common::text_at(*config, "User").value_or("");
  } catch (const docker::EngineError& e) {
    if (e.status() == 404) return {};  // not fetched yet
    throw;
  }
}

// Of the folder where a container mounts a volume. Works for a stopped container as well.
std::optional<std::uint64_t> owner_of(docker::Engine& engine, const docker::Container& container,
                                      const std::string& folder) {
  docker::Stream stream = engine.open("GET", fmt::format("/containers/{}/archive?path={}",
                                                         container.id, common::url_encode(folder)));
  const common::Deadline deadline(engine.op(), std::chrono::seconds{10});
  while (stream.bytes().size() < header_size && !stream.ended() && !deadline.passed())
    engine.transfers().turn(deadline);
  return tar_owner(stream.bytes());
}

}  // namespace

std::optional<std::uint64_t> fixed_user(std::string_view user) {
  std::uint64_t number = 0;
  const char* const end = user.data() + user.size();
  const auto [rest, error] = std::from_chars(user.data(), end, number);
  if (error != std::errc{} || (rest != end && *rest != ':') || number == 0) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> tar_owner(std::string_view header) {
  constexpr std::size_t uid_at = 108;
  constexpr std::size_t uid_size = 8;
  constexpr std::size_t magic_at = 257;
  if (header.size() < header_size || header.substr(magic_at, 5) != "ustar") return std::nullopt;
  const std::string_view field = header.substr(uid_at, uid_size);
  std::uint64_t number = 0;
  const auto [rest, error] = std::from_chars(field.data(), field.data() + field.size(), number, 8);
  if (error != std::errc{} || rest == field.data()) return std::nullopt;
  return number;
}

std::vector<OwnerProblem> wrong_owners(Project& project) {
  std::vector<OwnerProblem> problems;
  docker::Engine& engine = project.engine();
  for (const ServiceModel& service : project.model().services) {
    const auto user =
        fixed_user(service.user.empty() ? image_user(engine, service.image) : service.user);
    if (!user) continue;
    for (const VolumeUse& use : service.volumes) {
      const auto volume = project.model().volumes.find(use.source);
      if (use.type != "volume" || volume == project.model().volumes.end()) continue;
      const std::string& name = volume->second.name;
      for (const docker::Container& container : engine.containers({{"volume", {name}}})) {
        const auto mount =
            std::find_if(container.mounts.begin(), container.mounts.end(),
                         [&](const docker::Mount& other) { return other.name == name; });
        if (mount == container.mounts.end()) continue;
        const auto owner = owner_of(engine, container, mount->destination);
        if (owner && *owner != *user) problems.push_back({service.name, name, *user, *owner});
        break;
      }
    }
  }
  return problems;
}

}  // namespace fbx::compose
