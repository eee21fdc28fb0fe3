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

// How web answers when it is asked nothing in particular.
struct WebAnswer {
  bool listens = false;  // any HTTP response: it has migrated, and started its server
  std::string version;   // of a 200
  std::string says;      // "HTTP 503: ...", or why there is no answer
};
// Waits for at most two seconds.
WebAnswer ask_web(const Settings& settings, const common::Deadline& deadline);

}  // namespace fbx::langfuse
