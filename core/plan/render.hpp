// SPDX-License-Identifier: Apache-2.0
// A plan as text, JSON or a Mermaid flowchart.
#pragma once

#include "plan/dry_run.hpp"
#include "plan/plan.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace fusebox::plan {

enum class Format { text, json, mermaid };

// "text", "json", "mermaid".
std::optional<Format> parse_format(std::string_view name);

// Ends with a newline. With a report, what each step would do stands beside it.
std::string render(const Plan& plan, Format format, const PlanReport* report = nullptr);

}  // namespace fusebox::plan
