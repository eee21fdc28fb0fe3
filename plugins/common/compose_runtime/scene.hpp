// SPDX-License-Identifier: Apache-2.0
// One call on the project: its engine, what should be there, and what is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/compose_runtime/project.hpp"
#include "common/docker/engine.hpp"
#include "common/json.hpp"

namespace fbx::compose_runtime {

namespace json = common::json;

// The containers of a project's services, without those of `docker compose run`.
std::vector<docker::Container> list_containers(docker::Engine& engine, std::string_view project);

class Scene {
 public:
  Scene(const Op& op, const Project& project);

  const Op& op() const { return engine_.op(); }
  docker::Engine& engine() { return engine_; }
  const Project& project() const { return *project_; }
  const Layout& layout() const { return layout_; }
  const std::vector<docker::Container>& containers() const { return containers_; }

  // The services that the request names under `services`, or all. Throws Error{FBX_NOT_FOUND} with
  // the names there are.
  std::vector<const Layout::Service*> select(const json::object& request) const;
  const Layout::Service& service(std::string_view name) const;

  // The service's containers, those that run first.
  std::vector<docker::Container> of(std::string_view service) const;

 private:
  const Project* project_;
  docker::Engine engine_;
  std::vector<docker::Container> containers_;
  Layout layout_;
};

std::vector<std::string> texts_at(const json::object& object, std::string_view key);

}  // namespace fbx::compose_runtime
