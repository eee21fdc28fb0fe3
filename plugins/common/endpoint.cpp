// SPDX-License-Identifier: Apache-2.0
#include "common/endpoint.hpp"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

namespace fbx::common {

namespace {

std::uint16_t port_in(const json::object& object, std::uint16_t fallback) {
  const auto port = integer_at(object, "port");
  return port && *port > 0 && *port < 65536 ? static_cast<std::uint16_t>(*port) : fallback;
}

bool by_service(const json::object& config) {
  return text_at(config, "service") && !text_at(config, "host");
}

Endpoint ask_runtime(const Op& op, const std::string& service, std::uint16_t port) {
  const auto runtime = op.try_runtime();
  if (!runtime)
    throw Error(FBX_CONFIG,
                fmt::format("no plugin of this stack can say where service \"{}\" is", service),
                "add a runtime plugin to the config, or set host and port instead of service");
  std::string answer;
  try {
    answer = runtime->endpoint(json::serialize(json::object{{"service", service}, {"port", port}}));
  } catch (const Reported& e) {
    if (e.rc() == FBX_UNAVAILABLE) throw ServiceDown(service);
    if (e.rc() == FBX_NOT_FOUND)
      throw Error(
          FBX_CONFIG,
          port == 0 ? fmt::format("the runtime has no service \"{}\"", service)
                    : fmt::format("the runtime has no service \"{}\" with port {}", service, port),
          "`fusebox ps` lists the services and their ports");
    throw;
  }
  const json::object object =
      parse_object(answer, "the runtime's answer for an endpoint", FBX_INTERNAL);
  Endpoint endpoint{text_at(object, "host").value_or("127.0.0.1"), port_in(object, 0), service};
  if (endpoint.port == 0)
    throw Error(FBX_CONFIG, fmt::format("service \"{}\" publishes no port", service),
                "give it a port in the runtime's settings");
  return endpoint;
}

}  // namespace

std::string Endpoint::text() const {
  const bool v6 = host.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::string Endpoint::url(std::string_view scheme) const {
  return fmt::format("{}://{}", scheme, text());
}

ServiceDown::ServiceDown(std::string service)
    : service_(std::move(service)), text_(fmt::format("service {} is not running", service_)) {}

Endpoint resolve_endpoint(const Op& op, const json::object& config, std::uint16_t usual_port) {
  if (by_service(config)) return ask_runtime(op, *text_at(config, "service"), port_in(config, 0));
  return {text_at(config, "host").value_or("127.0.0.1"), port_in(config, usual_port), {}};
}

std::string endpoint_name(const json::object& config, std::uint16_t usual_port) {
  if (by_service(config)) return "service " + *text_at(config, "service");
  return Endpoint{text_at(config, "host").value_or("127.0.0.1"), port_in(config, usual_port), {}}
      .text();
}

}  // namespace fbx::common
