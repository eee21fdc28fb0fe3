// SPDX-License-Identifier: Apache-2.0
// fusebox.store/1
#include "check/scene.hpp"
#include "util/fd.hpp"
#include "util/fs.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fusebox/store.h>
#include <unistd.h>

#include <boost/json.hpp>

#include <array>

namespace fusebox::check {

namespace {

namespace json = boost::json;

constexpr std::string_view kContent = "what is kept, kept, kept, kept, kept, kept\n";
constexpr const char* kNobody = "20000101T000000Z-0000";

struct Stage {
  explicit Stage(Scene& s)
      : scene(s), instance(s.make()), table(s.table<fbx_store_v1>(instance, FBX_IFACE_STORE)) {}
  Scene& scene;
  Instance instance;
  const fbx_store_v1& table;

  json::object need(const Answer& answer, std::string_view what) {
    const auto object = sound_object(answer, what);
    if (!object) fail(fmt::format("{} fails: {}", what, answer.failure->what));
    return *object;
  }
  json::object list() {
    const auto answer = scene.ask(instance, table.list, json::object{});
    const auto object = sound_object(answer, "list()");
    if (!object) skip(fmt::format("list() cannot tell here: {}", answer.failure->what));
    return *object;
  }
  std::string begin() {
    if (!scene.subject().may_change) skip("would write to the store: --run lets it");
    const auto answer = scene.ask(instance, table.begin, json::object{{"bytes", 0}, {"stored", 0}});
    const auto object = sound_object(answer, "begin()");
    if (!object) skip(fmt::format("begin() cannot work here: {}", answer.failure->what));
    const auto* id = object->if_contains("generation");
    if (id == nullptr || !id->is_string()) fail("begin() answers without a text `generation`");
    return std::string(id->get_string());
  }
  util::UniqueFd file(std::string_view content) {
    const auto path = scene.folder() / "tmp" / "stream";
    util::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!fd || ::write(fd.get(), content.data(), content.size()) < 0 ||
        ::lseek(fd.get(), 0, SEEK_SET) != 0)
      skip("no file can be made here");
    return fd;
  }
  Answer put(const std::string& generation, const std::string& name) {
    const auto fd = file(kContent);
    auto answer = scene.ask(
        instance, table.put,
        json::object{{"generation", generation}, {"file", name}, {"compress", false}}, fd.get());
    if (::fcntl(fd.get(), F_GETFD) < 0) fail("put() closed the descriptor: it stays the giver's");
    return answer;
  }
  // A whole generation of one file.
  std::string commit() {
    const auto id = begin();
    const auto kept = need(put(id, "text.txt"), "put()");
    need(scene.ask(instance, table.commit,
                   json::object{{"generation", id},
                                {"manifest", json::object{{"files", json::array{kept}}}}}),
         "commit()");
    return id;
  }
  bool lists(const std::string& id) {
    const auto listed = list();
    for (const auto& one : listed.at("generations").as_array())
      if (one.at("generation").as_string() == id) return true;
    return false;
  }
  Answer named(Scene::Slot slot, const std::string& id) {
    return scene.ask(instance, slot, json::object{{"generation", id}});
  }
};

void list(Scene& scene) {
  Stage on(scene);
  const auto listed = on.list();
  const auto* all = listed.if_contains("generations");
  if (all == nullptr || !all->is_array()) fail("list() answers without a list `generations`");
  for (const auto& one : all->get_array())
    if (!one.is_object() || !one.get_object().contains("generation"))
      fail("list() has a generation without a name");
}

void unknown(Scene& scene) {
  Stage on(scene);
  on.list();
  const auto verify = on.named(on.table.verify, kNobody);
  require_sound(verify, "verify() of an unknown generation");
  if (verify.rc != FBX_NOT_FOUND) fail("verify() of an unknown generation must end with not_found");
  const auto fd = on.file("");
  const auto get = scene.ask(on.instance, on.table.get,
                             json::object{{"generation", kNobody}, {"file", "x"}}, fd.get());
  require_sound(get, "get() of an unknown generation");
  if (get.rc != FBX_NOT_FOUND) fail("get() of an unknown generation must end with not_found");
}

void round_trip(Scene& scene) {
  Stage on(scene);
  const auto id = on.commit();
  if (!on.lists(id)) fail("a committed generation is not listed");
  const auto fd = on.file("");
  on.need(scene.ask(on.instance, on.table.get,
                    json::object{{"generation", id}, {"file", "text.txt"}}, fd.get()),
          "get()");
  if (util::read_file(scene.folder() / "tmp" / "stream", 1U << 16U) != kContent)
    fail("get() gives other bytes than put() got");
}

void verified(Scene& scene) {
  Stage on(scene);
  const auto result = on.need(on.named(on.table.verify, on.commit()), "verify()");
  for (const auto& file : result.at("files").as_array())
    if (!file.at("ok").as_bool()) fail("verify() finds fault with what was just committed");
}

void hidden(Scene& scene) {
  Stage on(scene);
  const auto id = on.begin();
  on.need(on.put(id, "text.txt"), "put()");
  if (on.lists(id)) fail("a generation is listed before it is committed");
  on.need(on.named(on.table.abort, id), "abort()");
  if (on.lists(id)) fail("a generation that was aborted is listed");
}

void names(Scene& scene) {
  Stage on(scene);
  const auto id = on.begin();
  for (const char* name : {"../outside", "a/b", ".hidden", "", "/absolute"}) {
    const auto answer = on.put(id, name);
    require_sound(answer, "put() of a bad name");
    if (answer.rc == FBX_OK) fail(fmt::format("put() takes the name \"{}\"", name));
  }
  on.named(on.table.abort, id);
}

void mismatch(Scene& scene) {
  Stage on(scene);
  const auto id = on.begin();
  on.need(on.put(id, "text.txt"), "put()");
  const auto answer = scene.ask(
      on.instance, on.table.commit,
      json::object{{"generation", id}, {"manifest", json::object{{"files", json::array{}}}}});
  require_sound(answer, "commit() of a manifest without the files");
  if (answer.rc != FBX_CONFLICT)
    fail("commit() of a manifest that leaves out a file must end with conflict");
  on.named(on.table.abort, id);
}

void one_writer(Scene& scene) {
  Stage on(scene);
  const auto id = on.begin();
  const Instance other = scene.make();
  const auto answer = scene.ask(other, on.table.begin, json::object{{"bytes", 0}, {"stored", 0}});
  require_sound(answer, "begin() while another writes");
  if (answer.rc != FBX_CONFLICT) fail("begin() while another writes must end with conflict");
  on.named(on.table.abort, id);
}

void pinned(Scene& scene) {
  Stage on(scene);
  const auto id = on.commit();
  on.need(scene.ask(on.instance, on.table.pin, json::object{{"generation", id}, {"pin", "why"}}),
          "pin()");
  const auto refused = on.named(on.table.remove, id);
  require_sound(refused, "remove() of a pinned generation");
  if (refused.rc != FBX_CONFLICT) fail("remove() of a pinned generation must end with conflict");
  on.need(scene.ask(on.instance, on.table.pin, json::object{{"generation", id}, {"pin", nullptr}}),
          "pin() to let go");
  on.need(on.named(on.table.remove, id), "remove()");
  if (on.lists(id)) fail("a removed generation is listed");
}

constexpr std::array kChecks = {
    Check{"store.list", 1, "list() answers as store.h says", list},
    Check{"store.unknown", 1, "an unknown generation is not_found", unknown},
    Check{"store.round-trip", 1, "what was put comes back", round_trip},
    Check{"store.verify", 1, "verify() finds no fault with what is whole", verified},
    Check{"store.hidden", 1, "a generation exists only once it is committed", hidden},
    Check{"store.names", 1, "names that lead elsewhere are refused", names},
    Check{"store.mismatch", 2, "a manifest that is not of these files is refused", mismatch},
    Check{"store.one-writer", 1, "a second writer is refused", one_writer},
    Check{"store.pin", 2, "what is pinned is not removed", pinned},
};

}  // namespace

std::span<const Check> store_checks() { return kChecks; }

}  // namespace fusebox::check
