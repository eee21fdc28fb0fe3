// SPDX-License-Identifier: Apache-2.0
// fusebox.step/1 as far as nothing is changed: plan(), requests of all kinds, sinks, threads.
#include "check/scene.hpp"
#include "util/text.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <array>
#include <atomic>

namespace fusebox::check {

namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

// How long a call may go on after it was told to end.
constexpr milliseconds kGrace{2000};

struct Stage {
  explicit Stage(Scene& s)
      : scene(s), instance(s.make()), step(s.table<fbx_step_v1>(instance, FBX_IFACE_STEP)) {
    if (s.manifest().verbs.empty()) skip("has no verbs");
  }
  Scene& scene;
  Instance instance;
  const fbx_step_v1& step;

  Answer plan(const plugin::Verb& verb, const CallOptions& options = {}) {
    return scene.ask(instance, step.plan, scene.request(verb), options);
  }
  template <class Look>
  void each(Look look) {
    for (const auto& [name, verb] : scene.manifest().verbs)
      look(verb, fmt::format("plan of {}", name));
  }
};

void plan(Scene& scene) {
  Stage on(scene);
  on.each([&](const auto& verb, const std::string& what) {
    if (const auto object = sound_object(on.plan(verb), what)) require_vocabulary(*object, what);
  });
}

void plan_effects(Scene& scene) {
  Stage on(scene);
  const auto before = tree_of(scene.folder());
  on.each([&](const auto& verb, const std::string& what) {
    on.plan(verb);
    const auto changed = difference(before, tree_of(scene.folder()));
    if (!changed.empty()) fail(fmt::format("{} has an effect: {}", what, changed));
  });
}

void plan_checkpoints(Scene& scene) {
  Stage on(scene);
  on.each([&](const auto& verb, const std::string& what) {
    CallOptions options;
    options.journal = true;
    on.plan(verb, options);
    if (!scene.bench().deeds().checkpoints.empty())
      fail(fmt::format("{} called checkpoint(): there is nothing to undo yet", what));
  });
}

void plan_repeats(Scene& scene) {
  Stage on(scene);
  on.each([&](const auto& verb, const std::string& what) {
    const auto one = on.plan(verb);
    const auto two = on.plan(verb);
    if (one.rc != two.rc) fail(fmt::format("{} ends otherwise the second time", what));
    if (one.text != two.text) warn(fmt::format("{} says something else the second time", what));
  });
}

void plan_says(Scene& scene) {
  Stage on(scene);
  on.each([&](const auto& verb, const std::string& what) {
    const auto object = sound_object(on.plan(verb), what);
    if (object && !object->contains("summary") && !object->contains("actions"))
      warn(fmt::format("{} says neither `summary` nor `actions`", what));
  });
}

void unknown_verb(Scene& scene) {
  Stage on(scene);
  plugin::Verb verb;
  verb.name = "no-such-verb";
  for (const auto slot : {on.step.plan, on.step.run}) {
    const auto answer = scene.ask(on.instance, slot, scene.request(verb));
    require_sound(answer, "a verb that the manifest does not have");
    if (slot == on.step.run && answer.rc == FBX_OK)
      warn("run() of a verb that the manifest does not have ends well");
  }
}

void empty_request(Scene& scene) {
  Stage on(scene);
  for (const char* text : {"{}", "[]", "null", "", "{"})
    require_sound(scene.ask(on.instance, on.step.plan, std::string_view(text)),
                  fmt::format("plan() of the request {}", text));
}

void richer_request(Scene& scene) {
  Stage on(scene);
  on.each([&](const auto& verb, const std::string& what) {
    const auto usual = on.plan(verb);
    auto request = scene.request(verb);
    request["of_tomorrow"] = json::object{{"deep", json::array{1, "x", nullptr}}};
    request["release"] = json::object{{"run", "r"}, {"release", json::object{{"version", "1"}}}};
    const auto answer = scene.ask(on.instance, on.step.plan, request);
    require_sound(answer, what);
    if (answer.rc != usual.rc)
      fail(fmt::format("{} ends otherwise when a newer host adds fields to the request", what));
  });
}

void broken_request(Scene& scene) {
  Stage on(scene);
  on.each([&](const auto& verb, const std::string& what) {
    const auto text = json::serialize(scene.request(verb));
    for (int i = 0; i < 40; ++i)
      require_sound(
          scene.ask(on.instance, on.step.plan, std::string_view(mutated(text, scene.random()))),
          what + ", damaged");
  });
}

void any_options(Scene& scene) {
  Stage on(scene);
  on.each([&](const auto& verb, const std::string& what) {
    for (int i = 0; i < 10; ++i) {
      auto request = scene.request(verb);
      request["with"] = scene.random_options(verb);
      const auto named = fmt::format("{} with {:.200}", what, json::serialize(request.at("with")));
      const auto object = sound_object(scene.ask(on.instance, on.step.plan, request), named);
      if (object) require_vocabulary(*object, named);
    }
  });
}

void failing_sink(Scene& scene) {
  Stage on(scene);
  on.each([&](const auto& verb, const std::string& what) {
    const auto usual = on.plan(verb);
    if (usual.rc != FBX_OK || usual.text.empty()) return;
    CallOptions options;
    options.sink_takes = 0;
    const auto answer = on.plan(verb, options);
    if (answer.rc == FBX_OK)
      fail(fmt::format("{} ends with ok although its sink refused the answer", what));
    if (answer.rc != FBX_IO)
      warn(fmt::format("{} ends with {}, not with the io that its sink gave", what,
                       code_name(answer.rc)));
  });
}

void partial_sink(Scene& scene) {
  Stage on(scene);
  on.each([&](const auto& verb, const std::string& what) {
    const auto usual = on.plan(verb);
    if (usual.rc != FBX_OK || usual.text.size() < 2) return;
    for (const std::size_t room : {std::size_t{1}, usual.text.size() / 2}) {
      CallOptions options;
      options.sink_takes = room;
      if (on.plan(verb, options).wrote_after_refusal)
        fail(fmt::format("{} went on writing after its sink had refused", what));
    }
  });
}

void cancelled(Scene& scene) {
  Stage on(scene);
  on.each([&](const auto& verb, const std::string& what) {
    CallOptions options;
    options.cancelled = true;
    const auto answer = on.plan(verb, options);
    require_sound(answer, what + ", cancelled");
    if (answer.took > kGrace)
      fail(
          fmt::format("{} went on for {} ms although it was cancelled", what, answer.took.count()));
  });
}

void late(Scene& scene) {
  Stage on(scene);
  on.each([&](const auto& verb, const std::string& what) {
    CallOptions options;
    options.deadline = milliseconds(0);
    const auto answer = on.plan(verb, options);
    require_sound(answer, what + ", past its deadline");
    if (answer.took > kGrace)
      fail(fmt::format("{} went on for {} ms past its deadline", what, answer.took.count()));
  });
}

void unlimited(Scene& scene) {
  Stage on(scene);
  on.each([&](const auto& verb, const std::string& what) {
    CallOptions options;
    options.deadline.reset();
    require_sound(on.plan(verb, options), what + ", without a deadline");
  });
}

void on_threads(Scene& scene) {
  Stage on(scene);
  std::mutex mutex;
  std::string problem;
  std::vector<std::thread> running;
  for (int i = 0; i < 4; ++i)
    running.emplace_back([&] {
      try {
        for (int round = 0; round < 10; ++round)
          on.each([&](const auto& verb, const std::string& what) {
            sound_object(on.plan(verb), what + ", by several threads at once");
          });
      } catch (const Verdict& verdict) {
        const std::lock_guard lock(mutex);
        problem = verdict.why;
      }
    });
  for (auto& thread : running) thread.join();
  if (!problem.empty()) fail(problem);
}

void utf8(Scene& scene) {
  Stage on(scene);
  on.each([&](const auto& verb, const std::string& what) {
    const auto answer = on.plan(verb);
    if (!util::valid_utf8(answer.text)) fail(fmt::format("{} answers with invalid UTF-8", what));
    if (answer.text.find('\0') != std::string::npos)
      fail(fmt::format("{} answers with a zero byte", what));
  });
  for (const auto& line : scene.bench().deeds().said)
    if (!util::valid_utf8(line)) fail("it logs, or fails with, invalid UTF-8");
}

void one_line(Scene& scene) {
  Stage on(scene);
  on.each([&](const auto& verb, const std::string&) { on.plan(verb); });
  unknown_verb(scene);
  for (const auto& line : scene.bench().deeds().said)
    if (line.find_first_of("\n\r\x1b") != std::string::npos)
      warn(fmt::format("\"{}\" is more than one plain line", util::sanitize_line(line)));
}

void rules(Scene& scene) {
  Stage on(scene);
  on.each([&](const auto& verb, const std::string&) { on.plan(verb); });
  if (!scene.bench().deeds().offences.empty()) fail("it " + scene.bench().deeds().offences.front());
  if (!scene.bench().deeds().undeclared_programs.empty())
    fail(fmt::format("it runs {}, which its manifest does not name",
                     scene.bench().deeds().undeclared_programs.front()));
}

void codes_agree(Scene& scene) {
  Stage on(scene);
  const auto look = [](const Answer& answer, const std::string& what) {
    require_sound(answer, what);
    if (answer.rc != FBX_OK && answer.failure->rc != answer.rc)
      fail(fmt::format("{} ended with {}, but told fail() {}", what, code_name(answer.rc),
                       code_name(answer.failure->rc)));
    if (answer.rc == FBX_REFUSED) fail(what + " ended with refused, which is undo()'s alone");
  };
  on.each([&](const auto& verb, const std::string& what) { look(on.plan(verb), what); });
  look(scene.ask(on.instance, on.step.plan, std::string_view("{")), "plan() of a broken request");
}

constexpr std::array kChecks = {
    Check{"step.plan", 1, "plan() answers in the vocabulary of steps, or says why not", plan},
    Check{"step.plan-effects", 1, "plan() changes no file", plan_effects},
    Check{"step.plan-checkpoints", 2, "plan() writes no checkpoints", plan_checkpoints},
    Check{"step.plan-repeats", 4, "plan() says the same twice", plan_repeats},
    Check{"step.plan-says", 6, "plan() says what would be done", plan_says},
    Check{"step.unknown-verb", 3, "a verb that there is not is refused", unknown_verb},
    Check{"step.empty-request", 2, "an empty request does no harm", empty_request},
    Check{"step.richer-request", 2, "fields that a newer host adds do no harm", richer_request},
    Check{"step.broken-request", 3, "a damaged request does no harm (fuzz)", broken_request},
    Check{"step.options", 2, "any valid options can be planned (fuzz)", any_options},
    Check{"step.sink", 1, "an answer that nobody takes is a failure", failing_sink},
    Check{"step.sink-partial", 2, "nothing is written once the sink has refused", partial_sink},
    Check{"step.cancelled", 1, "a cancelled plan() ends within two seconds", cancelled},
    Check{"step.deadline", 1, "plan() past its deadline ends within two seconds", late},
    Check{"step.no-deadline", 2, "plan() works without a deadline", unlimited},
    Check{"step.threads", 2, "several threads plan with one instance", on_threads},
    Check{"step.utf8", 1, "all that it says is UTF-8", utf8},
    Check{"step.lines", 5, "log lines and reasons are one plain line each", one_line},
    Check{"step.rules", 1, "ops, checkpoints and programs are used by the rules", rules},
    Check{"step.codes", 2, "the code that is returned is the one that fail() was told",
          codes_agree},
};

}  // namespace

std::span<const Check> step_checks() { return kChecks; }

}  // namespace fusebox::check
