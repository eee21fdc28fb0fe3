// SPDX-License-Identifier: Apache-2.0
// The plugin's configuration, and what the stack's runtime says of a service.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "common/endpoint.hpp"
#include "common/json.hpp"
#include "versions.hpp"

namespace fbx::langfuse {

namespace json = common::json;

struct Settings {
  // Throws Error{FBX_CONFIG} when the stack's file of versions cannot be read.
  explicit Settings(std::string_view context_json);

  common::Context context;
  json::object web;  // each: service or host, port, and what it needs of its own
  json::object worker;
  json::object postgres;
  json::object clickhouse;
  bool wants_utc = true;
  std::chrono::milliseconds timeout{};

  // As the file stands now: it changes between the steps of a run.
  Locked locked() const;
};

// Where the server of one of those tables is. A host given wins over the service.
common::Endpoint locate(const Op& op, const json::object& table);
// Its name for people, without asking anybody: "langfuse-web".
std::string name_of(const json::object& table);

// What the runtime knows of a service.
struct ServiceState {
  std::string state;  // "running", "exited", ...: see fusebox/runtime.h
  std::int64_t restarts = 0;
  std::string version;  // "" when it cannot tell
};

// Nothing when there is no runtime, when it does not know the service, or cannot answer now.
std::optional<ServiceState> ask_service(const Op& op, const json::object& table);

}  // namespace fbx::langfuse
