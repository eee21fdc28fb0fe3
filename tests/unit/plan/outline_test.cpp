// SPDX-License-Identifier: Apache-2.0
#include "plan/outline.hpp"

#include "plan/render.hpp"
#include "util/error.hpp"

#include <doctest/doctest.h>

using namespace fusebox;

namespace {

// deploy: known.look, then gone.up and known.fly at once, then nobody.up
config::Config sample() {
  const auto step = [](const char* instance, const char* verb) {
    config::StepConfig written;
    written.instance = instance;
    written.verb = verb;
    return written;
  };
  config::Config config;
  config.plugins.push_back({"known", "here", {}, {}});
  config.plugins.push_back({"gone", "elsewhere", {}, {}});
  config.phases.push_back({"deploy",
                           config::OnFailure::stop,
                           {{step("known", "look")},
                            {step("gone", "up"), step("known", "fly")},
                            {step("nobody", "up")}},
                           {}});
  return config;
}

}  // namespace

TEST_CASE("an outline shows every step, and says of each that cannot run why") {
  const plan::Outline outline = plan::outline(sample(), plugin::Catalog(), "deploy");
  REQUIRE(outline.plan.groups.size() == 3);
  CHECK(outline.plan.groups[1].size() == 2);
  const std::string text = plan::render(outline.plan, plan::Format::text, &outline.report);
  CHECK(text.find("! the plugin \"elsewhere\" is not installed") != std::string::npos);
  CHECK(text.find("! there is no [plugins.nobody]") != std::string::npos);
}

TEST_CASE("a phase that is not there has no outline") {
  CHECK_THROWS_AS(plan::outline(sample(), plugin::Catalog(), "undeploy"), Error);
}
