// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "common/compose_runtime/reach.hpp"
#include "common/compose_runtime/runtime.hpp"
#include "common/compose_runtime/scene.hpp"

namespace fbx::compose_runtime {

namespace {

using docker::Container;

const Container& running_container(const Scene& scene, const std::string& service,
                                   std::vector<Container>& own) {
  own = scene.of(service);
  if (own.empty())
    throw Error(FBX_UNAVAILABLE, fmt::format("service {} has no container", service),
                "bring it up: fusebox up");
  if (own.front().state != docker::State::running)
    throw Error(FBX_UNAVAILABLE,
                fmt::format("service {} does not run: its container is {}", service,
                            docker::name_of(own.front().state)),
                fmt::format("see why: fusebox logs {}; then bring it up: fusebox up", service));
  return own.front();
}

std::uint16_t first_port(const Layout::Service& service, const Container& container) {
  if (!service.ports.empty()) return service.ports.front().target;
  for (const docker::Port& port : container.ports)
    if (port.published != 0) return port.target;
  return container.ports.empty() ? std::uint16_t{0} : container.ports.front().target;
}

// The container's own port that the request means: by its number there, its number here, its name;
// else the service's first.
std::uint16_t wanted_port(const json::object& request, const Layout::Service& service,
                          const Container& container) {
  if (const auto name = common::text_at(request, "port"))
    for (const Layout::Port& port : service.ports)
      if (port.name == *name || fmt::format("{}", port.target) == *name) return port.target;
  const auto number = common::integer_at(request, "port").value_or(0);
  if (number == 0 && !common::text_at(request, "port")) return first_port(service, container);
  if (number <= 0 || number > 65535) return 0;
  const auto wanted = static_cast<std::uint16_t>(number);
  const auto has = [&](auto member) {
    return std::find_if(container.ports.begin(), container.ports.end(),
                        [&](const docker::Port& port) { return port.*member == wanted; });
  };
  if (has(&docker::Port::target) != container.ports.end()) return wanted;
  if (const auto found = has(&docker::Port::published); found != container.ports.end())
    return found->target;
  for (const Layout::Port& port : service.ports)
    if (port.target == wanted) return wanted;
  // Beside the live stack it is published elsewhere than the files say.
  for (const Layout::Port& port : service.ports)
    if (port.published == wanted) return port.target;
  // An image need not declare what it listens on.
  return wanted;
}

[[noreturn]] void refuse_port(const Layout::Service& service, const Container& container) {
  std::vector<std::string> known;
  for (const docker::Port& port : container.ports) known.push_back(fmt::format("{}", port.target));
  throw Error(FBX_NOT_FOUND, fmt::format("service {} has no such port", service.name),
              known.empty() ? "its image declares none: name the port's number"
                            : fmt::format("its ports: {}", fmt::join(known, ", ")));
}

Place find_place(Scene& scene, const Layout::Service& service, const Container& container,
                 std::uint16_t target) {
  const docker::Address& engine = scene.engine().address();
  // Sorted, so that a port on the loopback comes before the same one on all addresses.
  for (const docker::Port& port : container.ports)
    if (port.target == target)
      if (const auto place = published_place(engine, port)) return *place;
  const common::Deadline deadline(scene.op(), std::chrono::seconds{5});
  if (engine.here())
    for (const docker::NetworkPlace& network : container.networks) {
      if (network.network == "host") return {"127.0.0.1", target};
      if (!network.ip.empty() && can_reach(network.ip, target, deadline))
        return {network.ip, target};
    }
  throw Error(FBX_UNAVAILABLE,
              fmt::format("port {} of service {} cannot be reached from here: it is not published, "
                          "and the container's network is not this machine's",
                          target, service.name),
              "publish it on 127.0.0.1: add docker-compose.loopback.yml to the runtime's files");
}

}  // namespace

std::string ComposeRuntime::endpoint(Op& op, std::string_view text) {
  const json::object request = common::parse_object(text, "the request");
  Scene scene(op, project_);
  const Layout::Service& service = scene.service(common::text_at(request, "service").value_or(""));
  std::vector<Container> own;
  const Container& container = running_container(scene, service.name, own);
  const std::uint16_t target = wanted_port(request, service, container);
  if (target == 0) refuse_port(service, container);
  const Place place = find_place(scene, service, container, target);
  json::object result{{"host", place.host}, {"port", place.port}};
  std::string url =
      project_.url ? project_.url(service.name, container.labels, target) : std::string{};
  // The one label that says which port speaks HTTP, on any engine.
  if (url.empty() && container.label("dev.orbstack.http-port") == fmt::format("{}", target))
    url = fmt::format("http://{}:{}", place.host, place.port);
  if (!url.empty()) result["url"] = url;
  return json::serialize(result);
}

}  // namespace fbx::compose_runtime
