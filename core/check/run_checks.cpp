// SPDX-License-Identifier: Apache-2.0
// run() and undo(): of verbs without an effect, and of all where the subject may change things.
#include "check/scene.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <array>

namespace fusebox::check {

namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

constexpr milliseconds kGrace{5000};

struct Stage {
  explicit Stage(Scene& s)
      : scene(s),
        verbs(s.verbs_to_run()),
        instance(s.make()),
        step(s.table<fbx_step_v1>(instance, FBX_IFACE_STEP)) {}
  Scene& scene;
  std::vector<const plugin::Verb*> verbs;
  Instance instance;
  const fbx_step_v1& step;

  Answer run(const plugin::Verb& verb, CallOptions options = {}) {
    options.journal = true;
    return scene.ask(instance, step.run, scene.request(verb, "check-run"), options);
  }
  Answer undo(const Instance& with, const plugin::Verb& verb, const json::value& result,
              const std::vector<std::string>& checkpoints) {
    auto request = scene.request(verb, "check-run");
    request["result"] = result;
    json::array kept;
    for (const auto& text : checkpoints) kept.push_back(json::parse(text));
    request["checkpoints"] = std::move(kept);
    CallOptions options;
    options.journal = true;
    return scene.ask(with, step.undo, request, options);
  }
};

// One that changes something and can take it back; skips when there is none, or it may not run.
std::vector<const plugin::Verb*> undoable(Stage& on) {
  std::vector<const plugin::Verb*> found;
  for (const auto* verb : on.verbs)
    if (verb->undo) found.push_back(verb);
  if (found.empty())
    skip(on.scene.subject().may_change ? "no verb can be undone"
                                       : "would change something: --run lets it");
  return found;
}

// What undo() must bring back: everything but what the instance keeps for itself.
std::map<std::string, std::string> world(Scene& scene) {
  auto tree = tree_of(scene.folder());
  std::erase_if(tree, [](const auto& entry) {
    return entry.first.starts_with("state") || entry.first == "output";
  });
  return tree;
}

void run(Scene& scene) {
  Stage on(scene);
  for (const auto* verb : on.verbs) {
    const auto what = "run of " + verb->name;
    const auto object = sound_object(on.run(*verb), what);
    if (object) require_vocabulary(*object, what);
  }
}

void effects(Scene& scene) {
  Stage on(scene);
  for (const auto* verb : on.verbs) {
    if (verb->effect != plugin::Effect::none) continue;
    const auto before = world(scene);
    on.run(*verb);
    const auto changed = difference(before, world(scene));
    if (!changed.empty())
      fail(fmt::format("{} says that it has no effect, but: {}", verb->name, changed));
    if (!scene.bench().deeds().checkpoints.empty())
      fail(fmt::format("{} says that it has no effect, but writes checkpoints", verb->name));
  }
}

void again(Scene& scene) {
  Stage on(scene);
  bool any = false;
  for (const auto* verb : on.verbs) {
    if (verb->effect != plugin::Effect::change) continue;
    any = true;
    const auto what = fmt::format("run of {}, the second time", verb->name);
    if (on.run(*verb).rc != FBX_OK) continue;
    const auto before = world(scene);
    const auto second = sound_object(on.run(*verb), what);
    if (!second) fail(what + " fails: what is already so is no error");
    const auto changed = difference(before, world(scene));
    if (!changed.empty()) fail(fmt::format("{} changes more: {}", what, changed));
    const auto* said = second->if_contains("changed");
    if (said != nullptr && said->is_bool() && said->get_bool())
      warn(what + " says that it changed something");
  }
  if (!any) skip("would change something: --run lets it");
}

void undo(Scene& scene) {
  Stage on(scene);
  for (const auto* verb : undoable(on)) {
    const auto before = world(scene);
    scene.bench().deeds().checkpoints.clear();
    const auto answer = on.run(*verb);
    const auto result = sound_object(answer, "run of " + verb->name);
    const auto what = "undo of " + verb->name;
    sound_object(on.undo(on.instance, *verb, result ? json::value(*result) : json::value(),
                         scene.bench().deeds().checkpoints),
                 what);
    const auto changed = difference(before, world(scene));
    if (!changed.empty()) fail(fmt::format("{} leaves: {}", what, changed));
  }
}

void undo_again(Scene& scene) {
  Stage on(scene);
  for (const auto* verb : undoable(on)) {
    scene.bench().deeds().checkpoints.clear();
    const auto result = sound_object(on.run(*verb), "run of " + verb->name);
    const auto saved = scene.bench().deeds().checkpoints;
    const auto value = result ? json::value(*result) : json::value();
    const auto first = on.undo(on.instance, *verb, value, saved);
    const auto after = world(scene);
    const auto second = on.undo(on.instance, *verb, value, saved);
    const auto what = fmt::format("undo of {}, the second time", verb->name);
    sound_object(second, what);
    if (first.rc == FBX_OK && second.rc != FBX_OK)
      fail(fmt::format("{} fails: {}", what, second.failure->what));
    const auto changed = difference(after, world(scene));
    if (!changed.empty()) fail(fmt::format("{} changes more: {}", what, changed));
  }
}

void undo_elsewhere(Scene& scene) {
  Stage on(scene);
  for (const auto* verb : undoable(on)) {
    const auto before = world(scene);
    scene.bench().deeds().checkpoints.clear();
    on.run(*verb);
    // As after a crash within run(): another process, and no result.
    const Instance fresh = scene.make();
    const auto answer = on.undo(fresh, *verb, nullptr, scene.bench().deeds().checkpoints);
    const auto what =
        fmt::format("undo of {} by another instance, from checkpoints alone", verb->name);
    require_sound(answer, what);
    const auto changed = difference(before, world(scene));
    if (answer.rc == FBX_OK && !changed.empty()) fail(fmt::format("{} leaves: {}", what, changed));
    if (answer.rc != FBX_OK && answer.rc != FBX_REFUSED)
      fail(fmt::format("{} fails: {}", what, answer.failure->what));
  }
}

void undo_nothing(Scene& scene) {
  Stage on(scene);
  for (const auto* verb : undoable(on)) {
    const auto before = world(scene);
    const auto answer = on.undo(on.instance, *verb, nullptr, {});
    const auto what = fmt::format("undo of {} that had not begun", verb->name);
    require_sound(answer, what);
    if (answer.rc != FBX_OK && answer.rc != FBX_REFUSED)
      fail(fmt::format("{} fails: {}", what, answer.failure->what));
    const auto changed = difference(before, world(scene));
    if (!changed.empty()) fail(fmt::format("{} changes: {}", what, changed));
  }
}

void cancelled(Scene& scene) {
  Stage on(scene);
  for (const auto* verb : on.verbs) {
    CallOptions options;
    options.cancelled = true;
    const auto answer = on.run(*verb, options);
    const auto what = fmt::format("run of {}, cancelled", verb->name);
    require_sound(answer, what);
    if (answer.took > kGrace) fail(fmt::format("{}, went on for {} ms", what, answer.took.count()));
  }
}

void cancelled_meanwhile(Scene& scene) {
  Stage on(scene);
  for (const auto* verb : on.verbs) {
    CallOptions options;
    options.deadline = std::chrono::seconds(60);
    options.cancel_after = milliseconds(100);
    const auto answer = on.run(*verb, options);
    const auto what = fmt::format("run of {}, cancelled meanwhile", verb->name);
    require_sound(answer, what);
    if (answer.took > kGrace)
      fail(fmt::format("{}, went on for {} ms: the host kills the process then", what,
                       answer.took.count()));
  }
}

void deadline(Scene& scene) {
  Stage on(scene);
  for (const auto* verb : on.verbs) {
    CallOptions options;
    options.deadline = milliseconds(100);
    const auto answer = on.run(*verb, options);
    const auto what = fmt::format("run of {} with a deadline of 100 ms", verb->name);
    require_sound(answer, what);
    if (answer.took > kGrace)
      fail(
          fmt::format("{} took {} ms: the host kills the process then", what, answer.took.count()));
  }
}

void no_journal(Scene& scene) {
  Stage on(scene);
  for (const auto* verb : on.verbs)
    require_sound(scene.ask(on.instance, on.step.run, scene.request(*verb)),
                  fmt::format("run of {} without a journal", verb->name));
}

void sink(Scene& scene) {
  Stage on(scene);
  for (const auto* verb : on.verbs) {
    const auto usual = on.run(*verb);
    if (usual.rc != FBX_OK || usual.text.empty()) continue;
    CallOptions options;
    options.sink_takes = 0;
    if (on.run(*verb, options).rc == FBX_OK)
      fail(fmt::format("run of {} ends with ok although its sink refused the answer", verb->name));
  }
}

void rules(Scene& scene) {
  Stage on(scene);
  for (const auto* verb : on.verbs) on.run(*verb);
  // A thread that it left behind has time to call.
  std::this_thread::sleep_for(milliseconds(50));
  const std::lock_guard lock(scene.bench().mutex());
  if (!scene.bench().deeds().offences.empty()) fail("it " + scene.bench().deeds().offences.front());
  if (!scene.bench().deeds().undeclared_programs.empty())
    fail(fmt::format("it runs {}, which its manifest does not name",
                     scene.bench().deeds().undeclared_programs.front()));
}

constexpr std::array kChecks = {
    Check{"run.run", 1, "run() answers in the vocabulary of steps, or says why not", run},
    Check{"run.effects", 1, "a verb without an effect has none", effects},
    Check{"run.again", 2, "run() of what is already so is no error", again},
    Check{"run.undo", 1, "undo() after run() brings everything back", undo},
    Check{"run.undo-again", 2, "undo() may be called again", undo_again},
    Check{"run.undo-elsewhere", 2, "another process undoes from checkpoints alone", undo_elsewhere},
    Check{"run.undo-nothing", 2, "undo() of what had not begun changes nothing", undo_nothing},
    Check{"run.cancelled", 1, "a cancelled run() ends within five seconds", cancelled},
    Check{"run.cancel", 1, "run() ends within five seconds of being cancelled",
          cancelled_meanwhile},
    Check{"run.deadline", 1, "run() ends within five seconds of its deadline", deadline},
    Check{"run.no-journal", 3, "run() outside a run works, or says why not", no_journal},
    Check{"run.sink", 1, "an answer that nobody takes is a failure", sink},
    Check{"run.rules", 1, "ops, checkpoints and programs are used by the rules", rules},
};

}  // namespace

std::span<const Check> run_checks() { return kChecks; }

}  // namespace fusebox::check
