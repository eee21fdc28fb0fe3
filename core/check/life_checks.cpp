// SPDX-License-Identifier: Apache-2.0
// create() and destroy(): order, number, hosts older and newer than the plugin.
#include "check/scene.hpp"

#include <fmt/format.h>

#include <array>

namespace fusebox::check {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kCheap{500};
constexpr milliseconds kPrompt{1000};

void create(Scene& scene) {
  const auto created = scene.create(scene.context());
  require_sound(created.answer, "create()");
  const Instance instance(scene.plugin(), created.self);
  if (created.answer.rc == FBX_CONFIG)
    warn(fmt::format("made-up settings do not do: {}; name a stack's file with --config",
                     created.answer.failure->what));
  if (created.answer.rc != FBX_OK)
    fail(fmt::format("create() ended with {}: {}", code_name(created.answer.rc),
                     created.answer.failure->what));
  if (created.self == nullptr) fail("create() said that it made an instance, but gave none");
}

void cheap(Scene& scene) {
  const auto running = threads();
  const auto before = tree_of(scene.folder() / "work");
  const auto created = scene.create(scene.context());
  if (created.answer.rc != FBX_OK || created.self == nullptr)
    skip("needs an instance, see life.create");
  const Instance instance(scene.plugin(), created.self);
  if (created.answer.took > kCheap)
    fail(fmt::format("create() took {} ms: it must be cheap, without network",
                     created.answer.took.count()));
  if (has_children()) fail("create() started a process");
  if (!scene.bench().deeds().commands.empty()) fail("create() asked for a process");
  if (!scene.bench().deeds().asked.empty())
    fail("create() asked for a secret: the provider may have to sign in for it");
  if (threads() > running) warn("create() started a thread");
  const auto changed = difference(before, tree_of(scene.folder() / "work"));
  if (!changed.empty()) fail(fmt::format("create() changed files: {}", changed));
}

void destroy(Scene& scene) {
  auto created = scene.create(scene.context());
  if (created.self == nullptr) skip("needs an instance, see life.create");
  const auto start = std::chrono::steady_clock::now();
  scene.plugin().destroy(created.self);
  const auto took = std::chrono::steady_clock::now() - start;
  if (took > kPrompt) fail("destroy() took more than a second: it must not block");
}

void unused(Scene& scene) {
  for (int i = 0; i < 10; ++i) scene.make();
}

void two(Scene& scene) {
  auto one = std::make_unique<Instance>(scene.make("one"));
  const Instance two = scene.make("two");
  if (one->self() == two.self()) fail("two instances are one and the same");
  const void* before = nullptr;
  const auto& id = scene.manifest().provides.front();
  before = two.find(id);
  one.reset();
  if (two.find(id) != before) fail("destroying one instance changed the other's table");
}

void many(Scene& scene) {
  std::vector<Instance> instances;
  for (int i = 0; i < 20; ++i) instances.push_back(scene.make(fmt::format("one-of-many-{}", i)));
  // Not in the order in which they were made.
  while (!instances.empty()) {
    std::vector<Instance> rest;
    for (std::size_t i = 0; i + 1 < instances.size(); ++i)
      rest.push_back(std::move(instances[i + 1]));
    instances.swap(rest);
  }
}

void threads_of_their_own(Scene& scene) {
  const auto created = scene.create(scene.context());
  if (created.self == nullptr) skip("needs an instance, see life.create");
  // Any thread may destroy what another one made.
  std::thread([&] { scene.plugin().destroy(created.self); }).join();
}

void after_cancel(Scene& scene) {
  CallOptions options;
  options.cancelled = true;
  const auto created = scene.create(scene.context(), options);
  require_sound(created.answer, "create() of a cancelled call");
  if (created.self != nullptr && created.answer.rc == FBX_OK) scene.plugin().destroy(created.self);
}

void bad_context(Scene& scene) {
  for (const char* text : {"", "{", "[]", "null", "{\"config\":7}", "\"text\""}) {
    const auto created = scene.create(text);
    require_sound(created.answer, fmt::format("create() with the context {}", text));
    if (created.answer.rc != FBX_OK) continue;
    if (created.self == nullptr) fail("create() said that it made an instance, but gave none");
    scene.plugin().destroy(created.self);
  }
  scene.make();  // and it is none the worse for it
}

void richer_context(Scene& scene) {
  std::string text = scene.context();
  text.insert(1, R"("of_tomorrow":{"deep":[1,2,{"x":null}]},"versions":"/nowhere/versions.lock",)");
  const auto created = scene.create(text);
  require_sound(created.answer, "create() with fields of a newer host");
  const bool usual = scene.create(scene.context()).answer.rc == FBX_OK;
  if (usual && created.answer.rc != FBX_OK)
    fail(fmt::format("create() refuses fields that a newer host adds: {}",
                     created.answer.failure->what));
}

void scratch_context(Scene& scene) {
  std::string text = scene.context();
  text.insert(1, R"("scratch":"check-drill","live_state_dir":"/nowhere",)");
  const auto created = scene.create(text);
  require_sound(created.answer, "create() for services beside the live stack's");
  if (created.answer.rc == FBX_OK) scene.plugin().destroy(created.self);
}

void calls_with(Scene& scene, const fbx_host* host, std::string_view what) {
  const auto created = scene.create(scene.context(), {}, host);
  require_sound(created.answer, what);
  if (created.answer.rc != FBX_OK) {
    if (scene.create(scene.context()).answer.rc == FBX_OK)
      fail(fmt::format("{} fails, though it works with today's: {}", what,
                       created.answer.failure->what));
    skip("needs an instance, see life.create");
  }
  const Instance instance(scene.plugin(), created.self);
  if (!scene.provides(FBX_IFACE_STEP)) return;
  const auto& step = scene.table<fbx_step_v1>(instance, FBX_IFACE_STEP);
  for (const auto& [name, verb] : scene.manifest().verbs)
    require_sound(scene.ask(instance, step.plan, scene.request(verb)),
                  fmt::format("{}: plan of {}", what, name));
}

void older_host(Scene& scene) {
  calls_with(scene, scene.bench().older_host(), "create() in a host of an older minor version");
}
void newer_host(Scene& scene) {
  calls_with(scene, scene.bench().newer_host(), "create() in a host of a newer minor version");
}
void bare_host(Scene& scene) {
  calls_with(scene, scene.bench().bare_host(), "create() in a host without services");
}

void silent(Scene& scene) {
  if (!std::filesystem::exists(scene.folder() / "output"))
    skip("in one's own process the output goes where it always goes");
  const auto size = [&] { return std::filesystem::file_size(scene.folder() / "output"); };
  {
    const Instance instance = scene.make();
    if (scene.provides(FBX_IFACE_STEP)) {
      const auto& step = scene.table<fbx_step_v1>(instance, FBX_IFACE_STEP);
      for (const auto& [name, verb] : scene.manifest().verbs)
        scene.ask(instance, step.plan, scene.request(verb));
    }
  }
  std::fflush(nullptr);
  if (size() != 0)
    fail("it prints to stdout or stderr: what it has to say goes through host->log()");
}

constexpr std::array kChecks = {
    Check{"life.create", 1, "create() makes an instance", create},
    Check{"life.cheap", 3, "create() needs no network, no process, no secret and no time", cheap},
    Check{"life.destroy", 1, "destroy() ends it at once", destroy},
    Check{"life.unused", 1, "an instance that was never called can be destroyed", unused},
    Check{"life.two", 1, "two instances live side by side", two},
    Check{"life.many", 3, "twenty instances, destroyed in another order", many},
    Check{"life.threads", 2, "another thread may destroy an instance", threads_of_their_own},
    Check{"life.cancelled", 2, "create() of a cancelled call ends properly", after_cancel},
    Check{"life.bad-context", 3, "a context that is no JSON is refused, with a reason",
          bad_context},
    Check{"life.richer-context", 2, "fields that a newer host adds to the context do no harm",
          richer_context},
    Check{"life.scratch", 3, "it can be made for services beside the live ones", scratch_context},
    Check{"life.older-host", 2, "it runs in a host that has fewer functions", older_host},
    Check{"life.newer-host", 2, "it runs in a host that has more functions", newer_host},
    Check{"life.bare-host", 3, "it copes with a host that offers no services", bare_host},
    Check{"life.silent", 2, "it prints nothing", silent},
};

}  // namespace

std::span<const Check> life_checks() { return kChecks; }

}  // namespace fusebox::check
