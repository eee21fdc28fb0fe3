// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <map>
#include <set>

#include "common/compose_runtime/log_reader.hpp"
#include "common/compose_runtime/runtime.hpp"
#include "common/compose_runtime/scene.hpp"
#include "common/docker/events.hpp"
#include "common/time_text.hpp"
#include "common/utf8.hpp"

namespace fbx::compose_runtime {

namespace {

constexpr std::chrono::hours forever{24 * 365};
constexpr std::chrono::milliseconds look_again{1000};

struct Filter {
  std::int64_t tail = -1;  // -1: all
  std::string since;       // as the API's `since`; empty: from the beginning
};

Filter read_filter(const json::object& request) {
  Filter filter;
  filter.tail = std::max<std::int64_t>(common::integer_at(request, "tail").value_or(-1), -1);
  const std::string since = common::text_at(request, "since").value_or("");
  if (since.empty()) return filter;
  std::optional<common::SystemTime> time = common::parse_time(since);
  if (const auto duration = common::parse_duration(since))
    time = std::chrono::system_clock::now() - *duration;
  if (!time)
    throw Error(FBX_ARGUMENT, fmt::format("\"{}\" is neither a duration nor a time", since),
                "write 10m, 2h, or 2026-11-23T10:00:00Z");
  const auto ms = std::max<std::int64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(time->time_since_epoch()).count(), 0);
  filter.since = fmt::format("{}.{:03}000000", ms / 1000, ms % 1000);
  return filter;
}

class Logs {
 public:
  Logs(Scene& scene, const json::object& request, const Sink& sink)
      : scene_(scene),
        sink_(sink),
        filter_(read_filter(request)),
        follow_(common::boolean_at(request, "follow").value_or(false)),
        deadline_(scene.op(), forever) {
    for (const Layout::Service* service : scene.select(request)) services_.insert(service->name);
  }

  void run() {
    std::optional<docker::Events> events;
    // Before the first look, so that no start falls between the two.
    if (follow_) events.emplace(scene_.engine(), docker::of_project(scene_.project().name));
    std::vector<LogReader> readers;
    const auto containers = scene_.engine().inspect(mine());
    for (const auto& details : containers) open(details, filter_, false, readers);
    merge(readers);
    if (!follow_) return;
    std::vector<LogReader> following;
    for (const auto& details : containers) {
      const auto last = last_.find(details.summary.id);
      Filter from = filter_;
      if (last != last_.end()) from = {-1, since_after(last->second)};
      // What was left out above must not come now.
      if (last == last_.end() && filter_.tail >= 0) from.tail = 0;
      open(details, from, true, following);
    }
    follow(*events, following);
  }

 private:
  std::vector<docker::Container> mine() const {
    std::vector<docker::Container> out;
    for (const docker::Container& container : scene_.containers())
      if (services_.contains(container.label(docker::label::service))) out.push_back(container);
    return out;
  }

  void open(const docker::ContainerDetails& details, const Filter& filter, bool follow,
            std::vector<LogReader>& readers) {
    std::string path = fmt::format("/containers/{}/logs?stdout=1&stderr=1&timestamps=1&follow={}",
                                   details.summary.id, follow ? 1 : 0);
    path += filter.tail < 0 ? "&tail=all" : fmt::format("&tail={}", filter.tail);
    if (!filter.since.empty()) path += "&since=" + filter.since;
    try {
      readers.emplace_back(details.summary.label(docker::label::service), details.summary.id,
                           scene_.engine().open("GET", path), details.tty);
    } catch (const docker::EngineError& e) {
      // Gone meanwhile, or a log driver that cannot be read: the others' logs are still wanted.
      scene_.op().log(Level::warn, fmt::format("no log of {}: {}", details.summary.name, e.what()));
    }
  }

  void emit(const LogReader& reader, const LogLine& line) {
    last_[reader.container()] = line.time;
    // To the millisecond, as all of fusebox tells time.
    const std::string time = line.time.size() > 24 ? line.time.substr(0, 23) + "Z" : line.time;
    sink_.write(json::serialize(json::object{
                    {"service", reader.service()},
                    {"time", time},
                    {"stream", line.channel == docker::Channel::err ? "stderr" : "stdout"},
                    {"line", common::valid_utf8(line.text)}}) +
                "\n");
  }

  void turn() {
    if (deadline_.passed())
      throw Error(FBX_TIMEOUT, "deadline passed while reading the logs",
                  "read less of them: --since or --tail");
    scene_.engine().transfers().turn(deadline_, look_again);
  }

  // The oldest line of all first, until the end of all.
  void merge(std::vector<LogReader>& readers) {
    for (;;) {
      LogReader* first = nullptr;
      bool waiting = false;
      for (LogReader& reader : readers) {
        const LogLine* line = reader.peek();
        if (line == nullptr)
          waiting = waiting || !reader.ended();
        else if (first == nullptr || line->time < first->peek()->time)
          first = &reader;
      }
      if (waiting) {
        turn();
      } else if (first != nullptr) {
        emit(*first, *first->peek());
        first->pop();
      } else {
        return;
      }
    }
  }

  void follow(docker::Events& events, std::vector<LogReader>& readers) {
    for (;;) {
      for (LogReader& reader : readers)
        while (const LogLine* line = reader.peek()) {
          emit(reader, *line);
          reader.pop();
        }
      std::erase_if(readers, [](LogReader& reader) { return reader.ended(); });
      while (const auto event = events.next(deadline_, std::chrono::milliseconds{0}))
        if (event->action == "start") started_.push_back(*event);
      // A container that was restarted is taken up again once its log so far has ended.
      std::erase_if(started_, [&](const docker::Event& event) { return attach(event, readers); });
      turn();
    }
  }

  // A container that was started, perhaps again: from where its log was left. False while its log
  // until then is still being read.
  bool attach(const docker::Event& event, std::vector<LogReader>& readers) {
    const auto service = event.attributes.find(std::string(docker::label::service));
    if (service == event.attributes.end() || !services_.contains(service->second)) return true;
    if (std::any_of(readers.begin(), readers.end(),
                    [&](const LogReader& reader) { return reader.container() == event.id; }))
      return false;
    try {
      const auto last = last_.find(event.id);
      const Filter from{-1, last == last_.end() ? "" : since_after(last->second)};
      open(scene_.engine().inspect(event.id), from, true, readers);
    } catch (const docker::EngineError& e) {
      if (e.status() != 404) throw;
    }
    return true;
  }

  Scene& scene_;
  const Sink& sink_;
  Filter filter_;
  bool follow_;
  common::Deadline deadline_;
  std::set<std::string> services_;
  std::map<std::string, std::string> last_;  // by container: the time of its last line
  std::vector<docker::Event> started_;
};

}  // namespace

void ComposeRuntime::logs(Op& op, std::string_view text, const Sink& ndjson) {
  const json::object request = common::parse_object(text, "the request");
  const bool follow = common::boolean_at(request, "follow").value_or(false);
  try {
    Scene scene(op, project_);
    Logs(scene, request, ndjson).run();
  } catch (const Error& e) {
    if (!follow || (e.rc() != FBX_CANCELLED && !(e.rc() == FBX_TIMEOUT && op.cancelled()))) throw;
  }
}

}  // namespace fbx::compose_runtime
