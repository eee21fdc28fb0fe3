// SPDX-License-Identifier: Apache-2.0
// The two applications over HTTP.
#pragma once

#include <string>

#include "common/probe.hpp"
#include "settings.hpp"

namespace fbx::langfuse {

// Both throw common::CheckFailed or common::ServiceDown for an application that does not work, and
// add findings for one that works but should not run as it is.

// Answers, reaches PostgreSQL, is not shutting down, and is the locked version.
void check_web(const Settings& settings, const common::Deadline& deadline, common::Result& result);

// Answers, reaches PostgreSQL and Redis, works its queues off, is not shutting down, and is the
// version of web.
void check_worker(const Settings& settings, const common::Deadline& deadline,
                  common::Result& result);

// The version that web says it is; nothing while it does not answer.
std::optional<std::string> answering_version(const Settings& settings,
                                             const common::Deadline& deadline);

}  // namespace fbx::langfuse
