// SPDX-License-Identifier: Apache-2.0
// What a step's result says about the stack.
#pragma once

#include "run/state.hpp"

#include <boost/json/object.hpp>
#include <optional>

namespace fusebox::run {

enum class Verdict { fine, unhealthy, findings };

// A step that gives a status has judged: "unhealthy", and "degraded" when `strict`, is unhealthy,
// whatever its findings. One that gives none has findings when one of them has severity "error".
Verdict judge(const boost::json::object& result, bool strict);

// Why a gate is closed: the summary, or the worst finding with its remedy as the hint.
Failure failure_of(const boost::json::object& result, Verdict verdict);

}  // namespace fusebox::run
