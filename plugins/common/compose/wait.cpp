// SPDX-License-Identifier: Apache-2.0
#include "common/compose/wait.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "common/compose/project.hpp"
#include "common/docker/events.hpp"

namespace fbx::compose {

namespace {

using docker::ContainerDetails;
using docker::Health;
using docker::State;

// A service that came back so often by its restart policy is not coming up.
constexpr int too_many_restarts = 3;

std::string ended(const ContainerDetails& container) {
  std::string why = fmt::format("exited with code {}", container.exit_code);
  if (container.oom_killed) why += " (killed: out of memory)";
  if (!container.error.empty()) why += ": " + container.error;
  return why;
}

ServiceVerdict judge_container(bool is_one_shot, std::string_view service,
                               const ContainerDetails& container, Until until) {
  const auto verdict = [&](Readiness readiness, std::string why) {
    return ServiceVerdict{std::string(service), readiness, std::move(why)};
  };
  switch (container.summary.state) {
    case State::created:
      return container.error.empty() ? verdict(Readiness::waiting, "is created, not started")
                                     : verdict(Readiness::failed, container.error);
    case State::restarting:
      return container.restarts < too_many_restarts
                 ? verdict(Readiness::waiting, "is restarting")
                 : verdict(Readiness::failed, fmt::format("{} again and again ({} restarts)",
                                                          ended(container), container.restarts));
    case State::running:
      break;
    case State::exited:
      if (is_one_shot && container.exit_code == 0) return verdict(Readiness::ready, "is done");
      return verdict(Readiness::failed, ended(container));
    default:
      return verdict(Readiness::failed,
                     fmt::format("is {}", docker::name_of(container.summary.state)));
  }
  if (is_one_shot) return verdict(Readiness::waiting, "still runs");
  if (container.restarts >= too_many_restarts && container.health != Health::healthy)
    return verdict(Readiness::failed,
                   fmt::format("ends again and again ({} restarts)", container.restarts));
  if (until == Until::running) return verdict(Readiness::ready, "");
  switch (container.health) {
    case Health::healthy:
    case Health::none:
      return verdict(Readiness::ready, "");
    case Health::starting:
      return verdict(Readiness::waiting, "is starting");
    case Health::unhealthy:
      break;
  }
  return verdict(Readiness::failed, container.health_output.empty()
                                        ? "is unhealthy"
                                        : fmt::format("is unhealthy: {}", container.health_output));
}

std::map<std::string, std::vector<ContainerDetails>> by_service(
    const std::vector<ContainerDetails>& containers) {
  std::map<std::string, std::vector<ContainerDetails>> services;
  for (const ContainerDetails& container : containers)
    services[service_of(container.summary)].push_back(container);
  return services;
}

}  // namespace

ServiceVerdict judge_service(const Model& model, std::string_view service,
                             const std::vector<ContainerDetails>& containers, Until until) {
  const ServiceModel* expected = model.find(service);
  const auto wanted = static_cast<std::size_t>(expected == nullptr ? 1 : expected->replicas);
  if (containers.size() < wanted)
    return {std::string(service), Readiness::failed,
            containers.empty() ? "has no container"
                               : fmt::format("has {} of {} containers", containers.size(), wanted)};
  const bool is_one_shot = model.is_one_shot(service);
  ServiceVerdict worst{std::string(service), Readiness::ready, ""};
  for (const ContainerDetails& container : containers) {
    ServiceVerdict verdict = judge_container(is_one_shot, service, container, until);
    if (verdict.readiness > worst.readiness) worst = std::move(verdict);
  }
  return worst;
}

void wait_until_ready(Project& project, const std::vector<std::string>& services, Until until) {
  const common::Deadline deadline(project.op(), std::chrono::hours{24});
  const Model& model = project.model();
  std::vector<std::string> waiting;
  const auto look = [&](const std::vector<ContainerDetails>& containers) {
    const auto found = by_service(containers);
    waiting.clear();
    for (const std::string& service : services) {
      const auto it = found.find(service);
      const ServiceVerdict verdict = judge_service(
          model, service, it == found.end() ? std::vector<ContainerDetails>{} : it->second, until);
      if (verdict.readiness == Readiness::failed)
        throw Error(FBX_FAILED, fmt::format("{} {}", service, verdict.why),
                    fmt::format("`fusebox logs {}` tells why", service));
      if (verdict.readiness == Readiness::waiting)
        waiting.push_back(fmt::format("{} {}", service, verdict.why));
    }
    project.op().progress(services.size() - waiting.size(), services.size(), "services",
                          waiting.empty() ? "" : waiting.front());
    return waiting.empty() ? docker::Watch::done : docker::Watch::wait;
  };
  const auto end = docker::wait_for(project.engine(),
                                    docker::of_project(project.settings().project), deadline, look);
  if (end == common::Ready::timed_out)
    throw Error(FBX_TIMEOUT,
                fmt::format("waited for {} until the step's deadline", fmt::join(waiting, ", ")),
                "`fusebox logs` tells what they do; raise the step's timeout if they only need "
                "longer");
}

}  // namespace fbx::compose
