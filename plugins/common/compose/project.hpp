// SPDX-License-Identifier: Apache-2.0
// One op's view of a Compose project: its engine, its Compose, its model, its containers.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/compose/cli.hpp"
#include "common/compose/model.hpp"
#include "common/docker/engine.hpp"

namespace fbx::compose {

// Brings the engine up where the plugin can; called once per op, before an effect.
using StartEngine = std::function<void(const Op& op, docker::Engine& engine)>;

class Project {
 public:
  // Touches nothing yet. All references outlive it; `memo` may be null.
  Project(const Op& op, const Settings& settings, StartEngine start_engine, Memo* memo = nullptr);

  const Op& op() const { return op_; }
  const Settings& settings() const { return settings_; }
  docker::Engine& engine() { return engine_; }
  Cli& cli() { return cli_; }
  void start_engine() {
    if (start_engine_) start_engine_(op_, engine_);
  }

  // As the files say now; asks Compose once.
  const LoadedModel& loaded();
  const Model& model() { return loaded().model; }

  // The project's containers by service, one-off ones left out; stopped ones too.
  std::map<std::string, std::vector<docker::ContainerDetails>> survey();

 private:
  const Op& op_;
  const Settings& settings_;
  StartEngine start_engine_;
  docker::Engine engine_;
  Cli cli_;
  std::optional<LoadedModel> loaded_;
};

// The model for a question: kept, or asked for; an old one when Compose cannot be asked. Throws
// Error{FBX_NOT_FOUND} when there is no Compose and none was kept, Error{FBX_CONFIG} for files that
// are wrong.
Model model_for_question(const Op& op, const Settings& settings);

// The service that a container belongs to; empty for a one-off container.
std::string service_of(const docker::Container& container);

// "docker.io/library/redis:7" and "redis:7" name the same image.
bool same_image(std::string_view a, std::string_view b);

// Throws Error{FBX_CONFIG} when a variable of the files has no value and the settings refuse that.
void refuse_unset(const Settings& settings, const LoadedModel& loaded);

// Why the services that must have one version do not; empty when they do.
std::string version_skew(const Settings& settings, const Model& model);

}  // namespace fbx::compose
