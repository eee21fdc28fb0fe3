// SPDX-License-Identifier: Apache-2.0
#include "common/docker/events.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <string>

#include "common/docker/unreachable.hpp"
#include "common/http.hpp"
#include "common/json.hpp"

namespace fbx::docker {

namespace {

constexpr std::chrono::seconds look_again{10};

std::string events_path(Filters filters) {
  filters["type"] = {"container"};
  filters["event"] = {"create",  "start",   "die",   "stop",    "kill",   "oom",
                      "restart", "destroy", "pause", "unpause", "rename", "health_status"};
  json::object object;
  for (const auto& [key, values] : filters) object[key] = json::array(values.begin(), values.end());
  return "/events?filters=" + common::url_encode(json::serialize(object));
}

Event read_event(std::string_view line) {
  const json::object object = common::parse_object(line, "the engine's event", FBX_IO);
  Event event;
  event.action = common::text_at(object, "Action").value_or("");
  event.time = common::integer_at(object, "timeNano").value_or(0);
  const json::object* actor = common::object_at(object, "Actor");
  if (actor == nullptr) return event;
  event.id = common::text_at(*actor, "ID").value_or("");
  if (const json::object* attributes = common::object_at(*actor, "Attributes"))
    for (const auto& item : *attributes)
      if (item.value().is_string()) event.attributes[item.key()] = item.value().get_string();
  return event;
}

}  // namespace

Events::Events(Engine& engine, Filters filters)
    : engine_(&engine), stream_(engine.open("GET", events_path(std::move(filters)))) {}

std::optional<Event> Events::take() {
  for (;;) {
    const std::string_view bytes = stream_.bytes();
    const auto end = bytes.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    Event event;
    if (end > 1) event = read_event(bytes.substr(0, end));
    stream_.consume(end + 1);
    if (!event.action.empty()) return event;
  }
}

std::optional<Event> Events::next(const common::Deadline& deadline,
                                  std::chrono::milliseconds most) {
  const auto until = common::Deadline::Clock::now() + most;
  for (;;) {
    if (auto event = take()) return event;
    stream_.check();
    if (stream_.ended())
      throw Error(
          FBX_UNAVAILABLE,
          fmt::format("{} went away while waiting for its events", engine_at(engine_->address())),
          "see whether it was stopped or restarted, and run the command again");
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - common::Deadline::Clock::now());
    if (left.count() <= 0 || deadline.passed()) return std::nullopt;
    engine_->transfers().turn(deadline, left);
  }
}

common::Ready wait_for(Engine& engine, const Filters& filters, const common::Deadline& deadline,
                       const std::function<Watch(const std::vector<ContainerDetails>&)>& look) {
  Events events(engine, filters);
  for (;;) {
    if (look(engine.inspect(engine.containers(filters))) == Watch::done) return common::Ready::yes;
    if (deadline.passed()) return common::Ready::timed_out;
    // One look answers all that has happened by then.
    if (events.next(deadline, look_again))
      while (events.next(deadline, std::chrono::milliseconds{0})) {
      }
  }
}

}  // namespace fbx::docker
