// SPDX-License-Identifier: Apache-2.0
// Settings: any that the schema allows, and texts that are no settings at all.
#include "check/scene.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <array>

namespace fusebox::check {

namespace {

namespace json = boost::json;

constexpr int kRounds = 60;

// Ends what was made; fails when the call broke the rules.
fbx_rc settle(Scene& scene, const Scene::Created& created, std::string_view what) {
  require_sound(created.answer, what);
  if (created.answer.rc == FBX_OK) {
    if (created.self == nullptr) fail(fmt::format("{} gave no instance", what));
    scene.plugin().destroy(created.self);
  }
  return created.answer.rc;
}

void valid(Scene& scene) {
  for (int i = 0; i < kRounds; ++i) {
    const auto settings = scene.random_settings();
    const auto what = fmt::format("create() with {:.200}", json::serialize(settings));
    const auto rc = settle(scene, scene.create(scene.context_with(settings)), what);
    if (rc != FBX_OK && rc != FBX_CONFIG)
      fail(fmt::format("{} ended with {}: what is wrong with settings is told with config", what,
                       code_name(rc)));
  }
}

void broken(Scene& scene) {
  const std::string text = scene.context();
  for (int i = 0; i < 3 * kRounds; ++i)
    settle(scene, scene.create(mutated(text, scene.random())), "create() with a broken context");
}

void reasons(Scene& scene) {
  for (int i = 0; i < kRounds; ++i) {
    const auto created = scene.create(scene.context_with(scene.random_settings()));
    if (settle(scene, created, "create()") == FBX_CONFIG && created.answer.failure->hint.empty())
      warn(fmt::format("\"{}\" comes without a hint", created.answer.failure->what));
  }
}

void long_names(Scene& scene) {
  const std::string name(255, 'n');
  const auto created = scene.create(scene.context(name));
  settle(scene, created, "create() of an instance with a name of 255 letters");
}

void repeated(Scene& scene) {
  const auto context = scene.context();
  const auto first = settle(scene, scene.create(context), "create()");
  for (int i = 0; i < 5; ++i)
    if (settle(scene, scene.create(context), "create(), again") != first)
      fail("create() with the same context ends otherwise the second time");
}

void handles(Scene& scene) {
  for (int i = 0; i < kRounds / 2; ++i)
    settle(scene, scene.create(scene.context_with(scene.random_settings())), "create()");
  if (!scene.bench().deeds().asked.empty())
    fail(fmt::format("create() asked for the secret {}: a value is asked for when it is needed",
                     *scene.bench().deeds().asked.begin()));
}

constexpr std::array kChecks = {
    Check{"config.valid", 2, "any valid settings: an instance, or config with a reason (fuzz)",
          valid},
    Check{"config.broken", 3, "a context with random damage does no harm (fuzz)", broken},
    Check{"config.handles", 3, "create() leaves secrets' handles alone (fuzz)", handles},
    Check{"config.repeat", 2, "the same settings give the same answer", repeated},
    Check{"config.long-name", 3, "an instance may have a long name", long_names},
    Check{"config.hints", 7, "refused settings come with a hint (fuzz)", reasons},
};

}  // namespace

std::span<const Check> config_checks() { return kChecks; }

}  // namespace fusebox::check
