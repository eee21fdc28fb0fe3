// SPDX-License-Identifier: Apache-2.0
// Langfuse's schemas as far as their versions go: the tables that Prisma, golang-migrate and
// Langfuse's own background migrations keep, written the way they write them.
#pragma once

#include "support/langfuse/environment.hpp"

namespace stand_in {

// What web does before it listens. Throws Failure where Langfuse would end; the fault `dirty` ends
// in the middle of a ClickHouse migration, `schema` takes both schemas one version further.
void migrate(const Settings& settings);

// What worker does beside its work: finishes the background migrations that are not.
void finish_background_migrations(const Settings& settings);

}  // namespace stand_in
