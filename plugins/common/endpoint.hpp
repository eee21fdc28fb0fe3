// SPDX-License-Identifier: Apache-2.0
// Where a service is reached: as the config says, or as the stack's runtime says.
#pragma once

#include <cstdint>
#include <exception>
#include <string>

#include "common/json.hpp"

namespace fbx::common {

struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
  std::string service;  // its name in the runtime; empty when host and port were given

  std::string text() const;                        // 127.0.0.1:5432, [::1]:5432
  std::string url(std::string_view scheme) const;  // http://127.0.0.1:8123
};

// The runtime knows the service, and it does not run.
class ServiceDown : public std::exception {
 public:
  explicit ServiceDown(std::string service);
  const std::string& service() const { return service_; }
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::string service_;
  std::string text_;
};

// Reads `host`, `port` and `service` of a configuration. A host, or no service: that host (default
// 127.0.0.1) and that port (default `usual_port`). A service: what the runtime answers, asked for
// `port` when the config has one, else for the service's first.
// Throws ServiceDown, or Error{FBX_CONFIG} when the stack has no runtime or the runtime no such
// service.
Endpoint resolve_endpoint(const Op& op, const json::object& config, std::uint16_t usual_port);

// The same as far as it can be told without asking anybody: "127.0.0.1:5432", "service postgres".
std::string endpoint_name(const json::object& config, std::uint16_t usual_port);

}  // namespace fbx::common
