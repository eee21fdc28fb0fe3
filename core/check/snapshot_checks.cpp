// SPDX-License-Identifier: Apache-2.0
// fusebox.snapshot/1
#include "check/scene.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fusebox/snapshot.h>

#include <boost/json.hpp>

#include <array>
#include <csignal>

#include "util/fd.hpp"

namespace fusebox::check {

namespace {

namespace json = boost::json;

struct Stage {
  explicit Stage(Scene& s)
      : scene(s),
        instance(s.make()),
        table(s.table<fbx_snapshot_v1>(instance, FBX_IFACE_SNAPSHOT)) {}
  Scene& scene;
  Instance instance;
  const fbx_snapshot_v1& table;

  // The sources; skips where the plugin cannot tell here.
  json::array sources() {
    const auto answer = scene.ask(instance, table.sources, json::object{});
    const auto object = sound_object(answer, "sources()");
    if (!object) skip(fmt::format("sources() cannot tell here: {}", answer.failure->what));
    const auto* list = object->if_contains("sources");
    if (list == nullptr || !list->is_array()) fail("sources() answers without a list `sources`");
    return list->get_array();
  }
};

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

void require_kept(int fd, std::string_view what) {
  if (!is_open(fd)) fail(fmt::format("{} closed the descriptor: it stays the giver's", what));
}

util::UniqueFd garbage(const std::filesystem::path& folder, std::size_t bytes) {
  const auto path = folder / "garbage";
  util::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  const std::string text(bytes, '\x5a');
  if (!fd || ::write(fd.get(), text.data(), text.size()) < 0 || ::lseek(fd.get(), 0, SEEK_SET) != 0)
    skip("no file can be made here");
  return fd;
}

json::object source_request(const json::value& source) {
  return {{"source", source}, {"counts", json::object{}}, {"facts", json::object{}}};
}

void sources(Scene& scene) {
  Stage on(scene);
  for (const auto& source : on.sources()) {
    const auto* object = source.if_object();
    if (object == nullptr) fail("a source is no object");
    for (const char* field : {"name", "kind", "file"})
      if (!object->contains(field) || !object->at(field).is_string())
        fail(fmt::format("a source has no text `{}`", field));
    const auto& file = object->at("file").get_string();
    if (file.find('/') != json::string::npos || file.starts_with("."))
      fail(fmt::format("file \"{}\" of a source must be a plain name", std::string_view(file)));
    const auto* order = object->if_contains("order");
    if (order != nullptr && !order->is_number()) fail("`order` of a source must be a number");
    const auto* hand = object->if_contains("by_hand");
    if (hand == nullptr || !hand->is_array() || hand->get_array().empty())
      warn("a source does not say how it is restored by hand");
  }
}

void source_names(Scene& scene) {
  Stage on(scene);
  std::set<std::string> seen;
  for (const auto& source : on.sources())
    if (!seen.emplace(source.at("name").as_string()).second)
      fail(fmt::format("two sources are called {}",
                       std::string_view(source.at("name").as_string())));
}

void unknown_source(Scene& scene) {
  Stage on(scene);
  const auto fd = garbage(scene.folder() / "tmp", 0);
  const auto answer = scene.ask(on.instance, on.table.capture,
                                json::object{{"source", "no-such-source"}}, fd.get());
  require_sound(answer, "capture() of an unknown source");
  if (answer.rc == FBX_OK) fail("capture() of an unknown source ends well");
  require_kept(fd.get(), "capture()");
}

void broken_pipe(Scene& scene) {
  Stage on(scene);
  for (const auto& source : on.sources()) {
    util::Pipe pipe = util::make_pipe();
    pipe.read.reset();
    // The host ignores SIGPIPE as well.
    std::signal(SIGPIPE, SIG_IGN);
    const auto answer = scene.ask(on.instance, on.table.capture,
                                  json::object{{"source", source.at("name")}}, pipe.write.get());
    require_sound(answer, "capture() into a pipe that nobody reads");
    if (answer.rc == FBX_OK) fail("capture() into a pipe that nobody reads ends well");
    require_kept(pipe.write.get(), "capture()");
  }
}

void capture(Scene& scene) {
  Stage on(scene);
  for (const auto& source : on.sources()) {
    const auto fd = garbage(scene.folder() / "tmp", 0);
    const auto what =
        fmt::format("capture() of {}", std::string_view(source.at("name").as_string()));
    const auto answer = scene.ask(on.instance, on.table.capture,
                                  json::object{{"source", source.at("name")}}, fd.get());
    const auto captured = sound_object(answer, what);
    require_kept(fd.get(), what);
    if (!captured) skip(fmt::format("{} cannot work here: {}", what, answer.failure->what));
    if (const auto* counts = captured->if_contains("counts");
        counts != nullptr && !counts->is_object())
      fail(what + ": \"counts\" must be an object");
    ::lseek(fd.get(), 0, SEEK_SET);
    auto request = source_request(source.at("name"));
    for (const char* field : {"counts", "facts"})
      if (const auto* value = captured->if_contains(field)) request[field] = *value;
    const auto inspected = scene.ask(on.instance, on.table.inspect, request, fd.get());
    require_sound(inspected, "inspect() of what was just captured");
    if (inspected.rc != FBX_OK)
      fail(fmt::format("inspect() refuses what {} wrote: {}", what, inspected.failure->what));
    require_kept(fd.get(), "inspect()");
  }
}

void inspect_garbage(Scene& scene) {
  Stage on(scene);
  for (const auto& source : on.sources())
    for (const std::size_t size : {0U, 1U, 70000U}) {
      const auto fd = garbage(scene.folder() / "tmp", size);
      const auto answer =
          scene.ask(on.instance, on.table.inspect, source_request(source.at("name")), fd.get());
      require_sound(answer, "inspect() of a stream that is no capture");
      if (answer.rc == FBX_OK && size > 1)
        fail("inspect() finds nothing wrong with 70000 times the letter Z");
      require_kept(fd.get(), "inspect()");
    }
}

void turn_nothing(Scene& scene) {
  Stage on(scene);
  if (!scene.subject().may_change) skip("might change something: --run lets it");
  for (const auto& source : on.sources()) {
    json::object request{{"source", source.at("name")}, {"tag", "checknevermade"}, {"to", "old"}};
    const auto old = scene.ask(on.instance, on.table.turn, request);
    require_sound(old, "turn(\"old\") of a tag that there is not");
    if (old.rc == FBX_UNSUPPORTED) skip("it cannot restore");
    if (old.rc != FBX_OK)
      fail(fmt::format("turn(\"old\") of a tag that there is not must be fine: {}",
                       old.failure->what));
    request["to"] = "new";
    const auto fresh = scene.ask(on.instance, on.table.turn, request);
    require_sound(fresh, "turn(\"new\") of a tag that there is not");
    if (fresh.rc == FBX_OK) fail("turn(\"new\") makes live what was never staged");
  }
}

constexpr std::array kChecks = {
    Check{"snapshot.sources", 1, "sources are described as snapshot.h says", sources},
    Check{"snapshot.names", 1, "no two sources have one name", source_names},
    Check{"snapshot.unknown", 1, "an unknown source cannot be captured", unknown_source},
    Check{"snapshot.pipe", 1, "a capture that nobody reads is none", broken_pipe},
    Check{"snapshot.capture", 1, "what was captured passes its own inspection", capture},
    Check{"snapshot.garbage", 1, "what is no capture does not pass", inspect_garbage},
    Check{"snapshot.turn", 2, "turning what was never staged is harmless", turn_nothing},
};

}  // namespace

std::span<const Check> snapshot_checks() { return kChecks; }

}  // namespace fusebox::check
