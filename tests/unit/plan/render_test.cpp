// SPDX-License-Identifier: Apache-2.0
#include "plan/render.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>

using namespace fusebox;
using namespace fusebox::plan;
namespace json = boost::json;

namespace {

Step step(const char* instance, const char* verb, plugin::Effect effect, bool can_undo) {
  Step step;
  step.label = std::string(instance) + "." + verb;
  step.instance = instance;
  step.verb = verb;
  step.effect = effect;
  step.can_undo = can_undo;
  return step;
}

Plan sample() {
  Plan plan;
  plan.phase = "deploy";
  plan.changes = true;
  plan.secrets = {"PW", "TOKEN"};
  plan.groups = {{step("runtime", "up", plugin::Effect::change, true)},
                 {step("db", "check", plugin::Effect::none, false),
                  step("cache", "check", plugin::Effect::none, false)},
                 {step("runtime", "mark", plugin::Effect::change, false)}};
  plan.groups[0][0].timeout = std::chrono::minutes(10);
  plan.groups[0][0].retries = 2;
  plan.groups[1][1].skipped = true;
  return plan;
}

PlanReport answers() {
  PlanReport report;
  report.steps.push_back(
      {"runtime.up", {{"actions", {"start <db>", "start \"cache\""}}}, std::nullopt, {}});
  report.steps.push_back({"db.check", {{"summary", "would look"}}, std::nullopt, {}});
  report.steps.push_back({"runtime.mark", {}, "no engine", "start it"});
  return report;
}

}  // namespace

TEST_CASE("a plan as text shows order, what steps do, and what they say") {
  const PlanReport report = answers();
  CHECK(render(sample(), Format::text, &report) ==
        "phase deploy: on failure undo\n"
        "  1. runtime.up    changes, can be undone, at most 10m00s, 2 retries\n"
        "         - start <db>\n"
        "         - start \"cache\"\n"
        "  2. at the same time:\n"
        "     db.check      reads only\n"
        "         - would look\n"
        "     cache.check   skipped\n"
        "  3. runtime.mark  changes, cannot be undone\n"
        "         ! no engine\n"
        "           start it\n"
        "secrets: PW, TOKEN\n");
}

TEST_CASE("a read-only plan says so, and the other policies have their words") {
  Plan plan = sample();
  plan.changes = false;
  CHECK(render(plan, Format::text).starts_with("phase deploy: reads only\n"));
  plan.changes = true;
  plan.on_failure = config::OnFailure::stop;
  CHECK(render(plan, Format::text).starts_with("phase deploy: on failure stop\n"));
  plan.on_failure = config::OnFailure::keep_going;
  CHECK(render(plan, Format::text).starts_with("phase deploy: on failure continue\n"));
}

TEST_CASE("a plan as JSON holds every field, and the answers where there are some") {
  const PlanReport report = answers();
  const std::string text = render(sample(), Format::json, &report);
  CHECK(text.back() == '\n');
  const json::object plan = json::parse(text).as_object();
  CHECK(plan.at("phase") == "deploy");
  CHECK(plan.at("on_failure") == "undo");
  CHECK(plan.at("secrets") == json::parse(R"(["PW","TOKEN"])"));
  const json::array& groups = plan.at("groups").as_array();
  REQUIRE(groups.size() == 3);
  CHECK(groups[0].at(0) == json::parse(R"({"step":"runtime.up","instance":"runtime","verb":"up",
    "effect":"change","can_undo":true,"skipped":false,"timeout_ms":600000,"retries":2,"with":{},
    "plan":{"actions":["start <db>","start \"cache\""]}})"));
  CHECK(groups[1].at(1).at("skipped") == true);
  CHECK(groups[2].at(0).at("error") == json::parse(R"({"what":"no engine","hint":"start it"})"));
}

TEST_CASE("a plan as a Mermaid flowchart draws the groups, with texts that cannot break it") {
  const PlanReport report = answers();
  CHECK(render(sample(), Format::mermaid, &report) ==
        "flowchart TD\n"
        "  start([\"deploy\"])\n"
        "  s1[\"runtime.up<br/>start #lt;db#gt;<br/>start #quot;cache#quot;\"]\n"
        "  start --> s1\n"
        "  s2([\"db.check\"])\n"
        "  s3([\"cache.check<br/>skipped\"]):::skipped\n"
        "  s1 --> s2 & s3\n"
        "  s4[\"runtime.mark<br/>! no engine\"]\n"
        "  s2 & s3 --> s4\n"
        "  s4 --> done([\"done\"])\n"
        "  classDef skipped stroke-dasharray: 4 4,color:#888\n");
  Plan odd = sample();
  odd.phase = "a#1\n";
  CHECK(render(odd, Format::mermaid).find("start([\"a#35;1 \"])") != std::string::npos);
}

TEST_CASE("formats have names") {
  CHECK(parse_format("text") == Format::text);
  CHECK(parse_format("json") == Format::json);
  CHECK(parse_format("mermaid") == Format::mermaid);
  CHECK_FALSE(parse_format("svg").has_value());
}
