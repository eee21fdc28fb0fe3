// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <map>

#include "common/compose_runtime/runtime.hpp"
#include "common/compose_runtime/scene.hpp"

namespace fbx::compose_runtime {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds sampling_time{500};

struct Sample {
  double cpu_ns = 0;
  std::int64_t memory = 0;
  std::int64_t processes = 0;
  common::Deadline::Clock::time_point time;
};

const json::object& part(const json::object& object, std::string_view key) {
  static const json::object none;
  const json::object* found = common::object_at(object, key);
  return found != nullptr ? *found : none;
}

// As `docker stats` counts it: without what the kernel would give back at once.
std::int64_t memory_of(const json::object& stats) {
  const json::object& memory = part(stats, "memory_stats");
  const auto used = common::integer_at(memory, "usage").value_or(0);
  const json::object& detail = part(memory, "stats");
  const auto inactive = common::integer_at(detail, "total_inactive_file")
                            .value_or(common::integer_at(detail, "inactive_file").value_or(0));
  return used > inactive ? used - inactive : used;
}

Sample read_sample(const json::object& stats) {
  return {common::number_at(part(part(stats, "cpu_stats"), "cpu_usage"), "total_usage").value_or(0),
          memory_of(stats), common::integer_at(part(stats, "pids_stats"), "current").value_or(0),
          common::Deadline::Clock::now()};
}

using Samples = std::map<std::string, Sample>;  // by container

Samples take(docker::Engine& engine, const std::vector<docker::Container>& containers) {
  const bool one_shot = engine.speaks(1, 41);
  Samples out;
  for (const docker::Container& container : containers) {
    try {
      const json::value answer = engine.get(fmt::format(
          "/containers/{}/stats?stream=0{}", container.id, one_shot ? "&one-shot=1" : ""));
      if (const auto* object = answer.if_object()) out[container.id] = read_sample(*object);
    } catch (const docker::EngineError& e) {
      if (e.status() != 404 && e.status() != 409) throw;  // it has just ended
    }
  }
  return out;
}

}  // namespace

std::string ComposeRuntime::stats(Op& op, std::string_view text) {
  const json::object request = common::parse_object(text, "the request");
  Scene scene(op, project_);
  const auto selected = scene.select(request);
  std::vector<docker::Container> running;
  for (const Layout::Service* service : selected)
    for (docker::Container& container : scene.of(service->name))
      if (container.state == docker::State::running) running.push_back(std::move(container));
  const Samples before = take(scene.engine(), running);
  if (!before.empty()) common::Deadline(op, std::chrono::seconds{30}).sleep(sampling_time);
  const Samples after = take(scene.engine(), running);
  json::array services;
  for (const Layout::Service* service : selected) {
    double cpu = 0;
    std::int64_t memory = 0;
    std::int64_t processes = 0;
    bool any = false;
    for (const docker::Container& container : running) {
      const auto first = before.find(container.id);
      const auto last = after.find(container.id);
      if (container.label(docker::label::service) != service->name || first == before.end() ||
          last == after.end())
        continue;
      const double time =
          std::chrono::duration<double, std::nano>(last->second.time - first->second.time).count();
      cpu += std::max(0.0, last->second.cpu_ns - first->second.cpu_ns) / time;
      memory += last->second.memory;
      processes += last->second.processes;
      any = true;
    }
    if (any)
      services.push_back({{"name", service->name},
                          {"cpu_percent", std::round(cpu * 1000) / 10},
                          {"memory_bytes", memory},
                          {"processes", processes}});
  }
  return json::serialize(json::object{{"services", std::move(services)}});
}

}  // namespace fbx::compose_runtime
