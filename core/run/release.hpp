// SPDX-License-Identifier: Apache-2.0
// What successful runs left on record: <state_dir>/releases.jsonl, one line per release, oldest
// first.
//   {"time":"2026-05-09T03:00:01.000Z","run":"<id>","phase":"deploy","fusebox":"0.1.0",
//    "release":{"LANGFUSE_WEB_IMAGE":"...","clickhouse_schema":46,...}}
#pragma once

#include "run/state.hpp"

#include <boost/json/object.hpp>
#include <chrono>
#include <filesystem>
#include <vector>

namespace fusebox::run {

// The objects under `release` in the results of the steps that are done, merged; where two name the
// same thing, the later step wins. Empty: this run makes no release.
boost::json::object merged_release(const RunState& state);

// Appends the release of a run and syncs it; a run that is on record already is not written again.
// Throws Error{io}.
void record_release(const std::filesystem::path& state_dir, const RunState& state,
                    const boost::json::object& release, std::chrono::system_clock::time_point now);

// All of them, oldest first. A last line that was cut off is left out, a damaged one is Error{io}.
std::vector<boost::json::object> read_releases(const std::filesystem::path& state_dir);

// The newest line; empty when there is none.
boost::json::object last_release(const std::filesystem::path& state_dir);

}  // namespace fusebox::run
