// SPDX-License-Identifier: Apache-2.0
// Where a secret's value turns up. Each that the plugin may ask for is one random text.
#include "check/scene.hpp"
#include "util/fs.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>

#include <array>

namespace fusebox::check {

namespace {

namespace fs = std::filesystem;

struct Told {
  std::vector<Answer> answers;
};

// All that may be run is planned and run.
Told all_calls(Scene& scene) {
  Told told;
  const Instance instance = scene.make();
  const auto& step = scene.table<fbx_step_v1>(instance, FBX_IFACE_STEP);
  for (const auto& [name, verb] : scene.manifest().verbs)
    told.answers.push_back(scene.ask(instance, step.plan, scene.request(verb)));
  CallOptions options;
  options.journal = true;
  for (const auto& [name, verb] : scene.manifest().verbs)
    if (verb.effect == plugin::Effect::none || scene.subject().may_change)
      told.answers.push_back(
          scene.ask(instance, step.run, scene.request(verb, "check-run"), options));
  return told;
}

void require_clean(Scene& scene, std::string_view text, std::string_view where) {
  if (text.find(scene.bench().canary()) != std::string_view::npos)
    fail(fmt::format("a secret's value stands in {}", where));
}

void logs(Scene& scene) {
  all_calls(scene);
  for (const auto& line : scene.bench().deeds().said)
    require_clean(scene, line, "what it logs or fails with");
}

void results(Scene& scene) {
  for (const auto& answer : all_calls(scene).answers) require_clean(scene, answer.text, "a result");
  for (const auto& text : scene.bench().deeds().checkpoints)
    require_clean(scene, text, "a checkpoint");
}

void arguments(Scene& scene) {
  all_calls(scene);
  for (const auto& command : scene.bench().deeds().commands)
    require_clean(scene, command, "a program's arguments, where every user of the machine sees it");
}

void files(Scene& scene) {
  all_calls(scene);
  for (const auto& entry : fs::recursive_directory_iterator(scene.folder())) {
    if (!entry.is_regular_file() || entry.file_size() > (8U << 20U)) continue;
    require_clean(scene, util::read_file(entry.path(), 8U << 20U),
                  entry.path().lexically_relative(scene.folder()).string());
  }
}

void environment(Scene& scene) {
  all_calls(scene);
  for (char** entry = environ; *entry != nullptr; ++entry)
    require_clean(scene, *entry, "the process's environment");
}

void allowed(Scene& scene) {
  all_calls(scene);
  const auto& asked = scene.bench().deeds().asked_unallowed;
  if (!asked.empty())
    fail(fmt::format("it asks for the secret {}, which neither its manifest nor its settings name",
                     *asked.begin()));
}

void planned(Scene& scene) {
  const Instance instance = scene.make();
  const auto& step = scene.table<fbx_step_v1>(instance, FBX_IFACE_STEP);
  for (const auto& [name, verb] : scene.manifest().verbs)
    scene.ask(instance, step.plan, scene.request(verb));
  if (!scene.bench().deeds().asked.empty())
    fail(fmt::format("plan() asks for the value of {}", *scene.bench().deeds().asked.begin()));
}

constexpr std::array kChecks = {
    Check{"secrets.logs", 1, "no value in logs and reasons", logs},
    Check{"secrets.results", 1, "no value in results and checkpoints", results},
    Check{"secrets.arguments", 1, "no value in a program's arguments", arguments},
    Check{"secrets.files", 2, "no value in a file", files},
    Check{"secrets.environment", 2, "no value in the process's environment", environment},
    Check{"secrets.allowed", 1, "it asks for nothing that it has not announced", allowed},
    Check{"secrets.plan", 3, "plan() asks for no value", planned},
};

}  // namespace

std::span<const Check> secret_checks() { return kChecks; }

}  // namespace fusebox::check
