// SPDX-License-Identifier: Apache-2.0
// Waits while langfuse-web migrates. It never ends web: a migration that is killed in its middle
// leaves a schema that no version of Langfuse starts on.
#pragma once

#include <optional>
#include <string>

#include "apps.hpp"
#include "schema.hpp"

namespace fbx::langfuse {

// One look at everything that matters while web starts.
struct View {
  std::optional<Schema> schema;
  std::string blind;  // why there is no schema
  std::optional<ServiceState> web;
  WebAnswer answer;

  bool web_ended() const;
  // Somebody is migrating, as far as can be told: who ended web now would do harm.
  bool is_migrating() const;
  std::string evidence() const { return schema ? schema->progress() : blind; }
};
// Without the schema.
View look_at_web(const Settings& settings, const common::Deadline& deadline);

// The finding for it: what is under way, and to leave it alone.
common::Finding migration_under_way(const View& view);

// When langfuse-web is started: it has been, or another step starts it meanwhile. Such a step and
// `migrated` begin together, so that from the first moment on undo asks here first.
enum class Start { done, meanwhile };

// The result of the verb `migrated`: web listens and nothing is half-done; or migrations failed,
// web died, or `wait` (from its start) is over: then it says what is still moving, and leaves it
// running. `before`: where the schema stood before web started; nothing when nobody looked.
common::Result await_migrations(const Settings& settings, const Op& op,
                                const std::optional<SchemaVersion>& before, Start start,
                                std::chrono::milliseconds wait);

// May what ran before come back? Throws Error{FBX_REFUSED} when the schema has moved on or a
// migration may be running: the images of before do not work with it.
void allow_going_back(const Settings& settings, const Op& op,
                      const std::optional<SchemaVersion>& before);

}  // namespace fbx::langfuse
