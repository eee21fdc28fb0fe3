// SPDX-License-Identifier: Apache-2.0
// What can be told of a phase whose plan is refused.
#pragma once

#include "config/config.hpp"
#include "plan/dry_run.hpp"
#include "plan/plan.hpp"
#include "plugin/catalog.hpp"

#include <string_view>

namespace fusebox::plan {

struct Outline {
  Plan plan;
  PlanReport report;  // of the steps that cannot run: why
};

// The steps of `phase` as the configuration writes them, with what the installed manifests say of
// each. Not a plan: never run it. Throws Error{config} when there is no such phase.
Outline outline(const config::Config& config, const plugin::Catalog& catalog,
                std::string_view phase);

}  // namespace fusebox::plan
