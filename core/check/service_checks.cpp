// SPDX-License-Identifier: Apache-2.0
// fusebox.secrets/1, fusebox.runtime/1 and fusebox.observer/1
#include "check/scene.hpp"
#include "util/text.hpp"

#include <fmt/format.h>
#include <fusebox/observer.h>
#include <fusebox/runtime.h>
#include <fusebox/secrets.h>

#include <boost/json.hpp>

#include <array>

namespace fusebox::check {

namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

constexpr milliseconds kObserverLimit{2000};

template <class Table>
struct Stage {
  Stage(Scene& s, std::string_view id)
      : scene(s), instance(s.make()), table(s.table<Table>(instance, id)) {}
  Scene& scene;
  Instance instance;
  const Table& table;
};

struct Provider : Stage<fbx_secrets_v1> {
  explicit Provider(Scene& s) : Stage(s, FBX_IFACE_SECRETS) {}
};
struct Runtime : Stage<fbx_runtime_v1> {
  explicit Runtime(Scene& s) : Stage(s, FBX_IFACE_RUNTIME) {}
};
struct Observer : Stage<fbx_observer_v1> {
  explicit Observer(Scene& s) : Stage(s, FBX_IFACE_OBSERVER) {}
  Answer tell(std::string_view event, const CallOptions& options = {}) {
    return scene.bench().call(options, [&](fbx_op* op, fbx_sink) {
      return table.event(instance.self(), op, to_str(event));
    });
  }
};

constexpr const char* kUnknownSecret = "CHECK_NO_SUCH_SECRET";

// ---- Secrets ------------------------------------------------------------------------------------

void list(Scene& scene) {
  Provider on(scene);
  const auto answer = scene.ask(on.instance, on.table.list, json::object{});
  const auto object = sound_object(answer, "list()");
  if (!scene.bench().deeds().put.empty()) fail("list() handed over a value");
  if (!object) skip(fmt::format("list() cannot tell here: {}", answer.failure->what));
  const auto* all = object->if_contains("secrets");
  if (all == nullptr || !all->is_array()) fail("list() answers without a list `secrets`");
  for (const auto& secret : all->get_array()) {
    const auto* one = secret.if_object();
    if (one == nullptr || !one->contains("name") || !one->contains("origin"))
      fail("list() has a secret without `name` and `origin`");
  }
}

void resolve_unknown(Scene& scene) {
  Provider on(scene);
  const auto answer = scene.ask(on.instance, on.table.resolve,
                                json::object{{"names", json::array{kUnknownSecret}}});
  require_sound(answer, "resolve() of an unknown name");
  if (answer.rc == FBX_OK) fail("resolve() of an unknown name ends well");
  if (!scene.bench().deeds().put.empty()) fail("resolve() that failed handed over a value");
}

void values_stay(Scene& scene) {
  Provider on(scene);
  const auto resolved =
      scene.ask(on.instance, on.table.resolve, json::object{{"names", json::array{}}});
  require_sound(resolved, "resolve() of all");
  const auto listed = scene.ask(on.instance, on.table.list, json::object{});
  const auto& deeds = scene.bench().deeds();
  for (const auto& [name, value] : deeds.put) {
    if (value.empty()) continue;
    for (const auto* text : {&resolved.text, &listed.text})
      if (text->find(value) != std::string::npos)
        fail(fmt::format("an answer holds the value of {}", name));
    for (const auto& line : deeds.said)
      if (line.find(value) != std::string::npos)
        fail(fmt::format("a log line holds the value of {}", name));
  }
}

void check(Scene& scene) {
  Provider on(scene);
  const auto object =
      sound_object(scene.ask(on.instance, on.table.check, json::object{}), "check()");
  if (object) require_vocabulary(*object, "check()");
  if (!scene.bench().deeds().put.empty()) fail("check() handed over a value");
}

void template_text(Scene& scene) {
  Provider on(scene);
  const auto answer = scene.ask(on.instance, on.table.template_text,
                                json::object{{"names", json::array{"ONE_NAME", "ANOTHER_NAME"}}});
  require_sound(answer, "template_text()");
  if (answer.rc != FBX_OK)
    skip(fmt::format("template_text() cannot tell here: {}", answer.failure->what));
  if (!util::valid_utf8(answer.text)) fail("the template is not valid UTF-8");
  for (const char* name : {"ONE_NAME", "ANOTHER_NAME"})
    if (answer.text.find(name) == std::string::npos)
      fail(fmt::format("the template leaves out {}, for which it was asked", name));
}

// ---- Runtime ------------------------------------------------------------------------------------

void services(Scene& scene) {
  Runtime on(scene);
  const auto answer = scene.ask(on.instance, on.table.services, json::object{});
  const auto object = sound_object(answer, "services()");
  if (!object) skip(fmt::format("services() cannot tell here: {}", answer.failure->what));
  static const std::set<std::string> states = {"running", "exited",     "missing",
                                               "paused",  "restarting", "created"};
  static const std::set<std::string> healths = {"healthy", "starting", "unhealthy", "none"};
  const auto* all = object->if_contains("services");
  if (all == nullptr || !all->is_array()) fail("services() answers without a list `services`");
  for (const auto& service : all->get_array()) {
    if (states.count(std::string(service.at("state").as_string())) == 0)
      fail("a service has an unknown `state`");
    if (healths.count(std::string(service.at("health").as_string())) == 0)
      fail("a service has an unknown `health`");
  }
}

void unknown_service(Scene& scene) {
  Runtime on(scene);
  const auto answer = scene.ask(on.instance, on.table.endpoint,
                                json::object{{"service", "no-such-service"}, {"port", 0}});
  require_sound(answer, "endpoint() of an unknown service");
  if (answer.rc == FBX_OK) fail("endpoint() of an unknown service ends well");
}

void exec(Scene& scene) {
  Runtime on(scene);
  if (on.table.exec == nullptr) skip("needs every function, see interface.functions");
  const auto request = json::serialize(json::object{
      {"service", "no-such-service"}, {"command", json::array{"true"}}, {"tty", false}});
  const auto answer = scene.bench().call({}, [&](fbx_op* op, fbx_sink sink) {
    return on.table.exec(on.instance.self(), op, to_str(request), -1, -1, -1, sink);
  });
  require_sound(answer, "exec() beside an unknown service");
  if (answer.rc == FBX_OK) fail("exec() beside an unknown service ends well");
}

void logs(Scene& scene) {
  Runtime on(scene);
  CallOptions options;
  options.deadline = std::chrono::seconds(30);
  options.cancel_after = milliseconds(100);
  const auto answer =
      scene.ask(on.instance, on.table.logs, json::object{{"follow", true}, {"tail", 1}}, options);
  require_sound(answer, "logs() that are followed, and cancelled");
  if (answer.took > std::chrono::seconds(5))
    fail("logs() went on for five seconds after it was cancelled");
}

void measures(Scene& scene) {
  Runtime on(scene);
  for (const auto slot : {on.table.stats, on.table.volumes})
    sound_object(scene.ask(on.instance, slot, json::object{}),
                 slot == on.table.stats ? "stats()" : "volumes()");
}

// ---- Observers ----------------------------------------------------------------------------------

constexpr std::array<std::string_view, 4> kEvents = {
    R"({"type":"run_started","time":"2026-11-24T02:00:00.000Z","run":"r","phase":"deploy","stack":"check"})",
    R"({"type":"step_finished","time":"2026-11-24T02:00:01.000Z","run":"r","step":"a.b","outcome":"failed"})",
    R"({"type":"run_finished","time":"2026-11-24T02:00:02.000Z","run":"r","phase":"deploy","outcome":"ok"})",
    R"({"type":"of_tomorrow","deep":{"x":[1,2,{"y":null}]}})"};

void event(Scene& scene) {
  Observer on(scene);
  for (const auto text : kEvents) {
    CallOptions options;
    options.deadline = kObserverLimit;
    const auto answer = on.tell(text, options);
    require_sound(answer, fmt::format("event() of {:.40}", text));
    if (answer.took > kObserverLimit + milliseconds(500))
      fail(fmt::format("event() took {} ms: it has two seconds", answer.took.count()));
  }
}

void broken_event(Scene& scene) {
  Observer on(scene);
  for (const auto text : {std::string_view("{}"), std::string_view("[]"), std::string_view(""),
                          std::string_view("{\"type\":7}")})
    require_sound(on.tell(text), fmt::format("event() of {}", text));
  for (int i = 0; i < 40; ++i) {
    CallOptions options;
    options.cancelled = true;  // the text is what matters, not where it goes
    require_sound(on.tell(mutated(kEvents[0], scene.random()), options), "event() of damaged text");
  }
}

void cancelled_event(Scene& scene) {
  Observer on(scene);
  CallOptions options;
  options.cancelled = true;
  const auto answer = on.tell(kEvents[0], options);
  require_sound(answer, "event(), cancelled");
  if (answer.took > kObserverLimit) fail("a cancelled event() went on for two seconds");
}

constexpr std::array kChecks = {
    Check{"provider.list", 1, "list() names secrets and holds no value", list},
    Check{"provider.unknown", 1, "resolve() is all or nothing", resolve_unknown},
    Check{"provider.values", 1, "values go to the host alone", values_stay},
    Check{"provider.check", 2, "check() answers in the vocabulary of steps, and keeps values",
          check},
    Check{"provider.template", 2, "the template has what was asked for", template_text},
    Check{"runtime.services", 1, "services() answers as runtime.h says", services},
    Check{"runtime.unknown", 1, "an unknown service has no endpoint", unknown_service},
    Check{"runtime.exec", 1, "nothing runs beside an unknown service", exec},
    Check{"runtime.logs", 1, "logs() ends when it is cancelled", logs},
    Check{"runtime.measures", 2, "stats() and volumes() answer, or say why not", measures},
    Check{"observer.event", 1, "event() takes any event, within two seconds", event},
    Check{"observer.broken", 2, "a damaged event does no harm (fuzz)", broken_event},
    Check{"observer.cancelled", 1, "a cancelled event() ends at once", cancelled_event},
};

}  // namespace

std::span<const Check> service_checks() { return kChecks; }

}  // namespace fusebox::check
