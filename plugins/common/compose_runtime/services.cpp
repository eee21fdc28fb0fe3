// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "common/compose_runtime/reach.hpp"
#include "common/compose_runtime/runtime.hpp"
#include "common/compose_runtime/scene.hpp"

namespace fbx::compose_runtime {

namespace {

using docker::ContainerDetails;
using docker::Health;
using docker::State;

// Of several containers of one service, the one in the worst state speaks for it.
int badness(const ContainerDetails& details) {
  switch (details.summary.state) {
    case State::dead:
    case State::exited:
    case State::removing:
      return details.exit_code != 0 ? 100 : 90;
    case State::restarting:
      return 80;
    case State::created:
      return 70;
    case State::paused:
      return 60;
    case State::running:
      break;
  }
  switch (details.health) {
    case Health::unhealthy:
      return 30;
    case Health::starting:
      return 20;
    case Health::none:
    case Health::healthy:
      break;
  }
  return 0;
}

std::string_view state_word(State state) {
  return state == State::dead || state == State::removing ? "exited" : docker::name_of(state);
}

bool has_ended(State state) {
  return state == State::exited || state == State::dead || state == State::removing;
}

std::string reason(const ContainerDetails& details) {
  if (!details.error.empty()) return details.error;
  if (!details.running() && details.oom_killed) return "killed for want of memory";
  return details.running() ? details.health_output : std::string{};
}

json::array ports_json(Scene& scene, const Layout::Service& service,
                       const docker::Container& container) {
  json::array out;
  for (const docker::Port& port : container.ports) {
    const auto place = published_place(scene.engine().address(), port);
    if (!place) continue;
    const auto known = std::find_if(service.ports.begin(), service.ports.end(),
                                    [&](const auto& p) { return p.target == port.target; });
    const bool named = known != service.ports.end() && !known->name.empty();
    const json::object item{{"name", named ? known->name : fmt::format("{}", port.target)},
                            {"host", place->host},
                            {"port", place->port},
                            {"target", port.target}};
    // Published for both families of addresses, it is still one port.
    if (std::none_of(out.begin(), out.end(), [&](const json::value& other) {
          return other.get_object() == item || other.at("target") == port.target;
        }))
      out.push_back(item);
  }
  return out;
}

json::object service_json(Scene& scene, const Layout::Service& service,
                          const std::vector<ContainerDetails>& all) {
  std::vector<const ContainerDetails*> own;
  int restarts = 0;
  for (const ContainerDetails& details : all)
    if (details.summary.label(docker::label::service) == service.name) {
      own.push_back(&details);
      restarts += details.restarts;
    }
  json::object out{
      {"name", service.name},
      {"state", "missing"},
      {"health", "none"},
      {"restarts", restarts},
      {"exit_code", nullptr},
      {"ports", json::array{}},
      {"depends_on", json::array(service.depends_on.begin(), service.depends_on.end())}};
  if (!service.image.empty()) out["image"] = service.image;
  if (own.empty()) return out;
  const ContainerDetails& worst =
      **std::max_element(own.begin(), own.end(),
                         [](const auto* a, const auto* b) { return badness(*a) < badness(*b); });
  const docker::Container& container = worst.summary;
  out["state"] = state_word(container.state);
  if (worst.running()) out["health"] = docker::name_of(worst.health);
  out["id"] = container.id.substr(0, 12);
  out["image"] = container.image;
  out["image_id"] = container.image_id;
  if (!worst.started_at.empty()) out["started_at"] = worst.started_at;
  if (has_ended(container.state)) out["exit_code"] = worst.exit_code;
  if (const auto tag = docker::tag_of(container.image); !tag.empty()) out["version"] = tag;
  if (container.state == State::running) out["ports"] = ports_json(scene, service, container);
  if (own.size() > 1) out["replicas"] = own.size();
  if (service.one_shot) out["one_shot"] = true;
  if (const std::string why = reason(worst); !why.empty()) out["reason"] = why;
  return out;
}

}  // namespace

std::string ComposeRuntime::services(Op& op, std::string_view text) {
  const json::object request = common::parse_object(text, "the request");
  Scene scene(op, project_);
  const auto selected = scene.select(request);
  const auto details = scene.engine().inspect(scene.containers());
  json::array services;
  for (const Layout::Service* service : selected)
    services.push_back(service_json(scene, *service, details));
  return json::serialize(json::object{{"services", std::move(services)}});
}

}  // namespace fbx::compose_runtime
