// SPDX-License-Identifier: Apache-2.0
#include "common/compose/project.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "common/compose/lock_file.hpp"

namespace fbx::compose {

namespace {

std::string_view without_prefix(std::string_view text, std::string_view prefix) {
  if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  return text;
}

std::string normal_name(std::string_view reference) {
  Reference parts = parse_reference(reference);
  std::string_view name = without_prefix(parts.name, "docker.io/");
  name = without_prefix(name, "index.docker.io/");
  name = without_prefix(name, "library/");
  if (parts.tag.empty() && parts.digest.empty()) parts.tag = "latest";
  return fmt::format("{}:{}@{}", name, parts.tag, parts.digest);
}

}  // namespace

Project::Project(const Op& op, const Settings& settings, StartEngine start_engine, Memo* memo)
    : op_(op),
      settings_(settings),
      start_engine_(std::move(start_engine)),
      engine_(op, docker::find_engine({settings.engine, settings.context})),
      cli_(op, settings, docker::child_environment(engine_.address()), memo) {}

const LoadedModel& Project::loaded() {
  if (!loaded_) loaded_ = load_model(cli_);
  return *loaded_;
}

std::map<std::string, std::vector<docker::ContainerDetails>> Project::survey() {
  std::map<std::string, std::vector<docker::ContainerDetails>> services;
  const auto found = engine_.containers(docker::of_project(settings_.project));
  for (docker::ContainerDetails& container : engine_.inspect(found)) {
    std::string service = service_of(container.summary);
    if (!service.empty()) services[std::move(service)].push_back(std::move(container));
  }
  return services;
}

Model model_for_question(const Op& op, const Settings& settings) {
  if (auto kept = kept_model(settings)) return *std::move(kept);
  try {
    Project project(op, settings, {});
    return project.model();
  } catch (const Error& e) {
    auto last = last_model(settings);
    if (!last || e.rc() == FBX_CONFIG) throw;
    return *std::move(last);
  }
}

std::string service_of(const docker::Container& container) {
  if (container.label(docker::label::oneoff) == "True") return {};
  return container.label(docker::label::service);
}

bool same_image(std::string_view a, std::string_view b) { return normal_name(a) == normal_name(b); }

void refuse_unset(const Settings& settings, const LoadedModel& loaded) {
  if (!settings.refuse_unset || loaded.unset.empty()) return;
  throw Error(FBX_CONFIG,
              fmt::format("the Compose files use {}, which {} no value: containers would be made "
                          "with blank ones",
                          fmt::join(loaded.unset, ", "), loaded.unset.size() == 1 ? "has" : "have"),
              "give values in the plugin's `environment` (a secret: { secret = \"NAME\" }), in "
              "`env_files`, or a default in the Compose file");
}

std::string version_skew(const Settings& settings, const Model& model) {
  for (const auto& group : settings.same_version) {
    std::map<std::string, std::vector<std::string>> by_tag;
    for (const std::string& name : group)
      if (const ServiceModel* service = model.find(name))
        by_tag[parse_reference(service->image).tag].push_back(name);
    if (by_tag.size() < 2) continue;
    std::vector<std::string> parts;
    for (const auto& [tag, names] : by_tag)
      parts.push_back(
          fmt::format("{} has {}", fmt::join(names, ", "), tag.empty() ? "no tag" : tag));
    return fmt::format("services that must run one version do not: {}", fmt::join(parts, ", "));
  }
  return {};
}

}  // namespace fbx::compose
