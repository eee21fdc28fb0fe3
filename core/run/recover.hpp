// SPDX-License-Identifier: Apache-2.0
// The runs of a stack on disk: which there were, and which were interrupted.
#pragma once

#include "run/journal.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::run {

struct RunSummary {
  std::string id;
  std::string phase;
  std::chrono::system_clock::time_point started;
  std::optional<RunEnd> end;
  bool running = false;                  // open, and a process works on it
  std::vector<std::string> interrupted;  // steps that an open run was in
  std::filesystem::path file;
  std::string problem;  // the journal cannot be read: why

  bool open() const { return problem.empty() && !end && !running; }
};

// Newest first. A journal that cannot be read is listed with its problem; a run that died before
// its first record was whole had no effect and is left out.
std::vector<RunSummary> list_runs(const std::filesystem::path& state_dir);

// One run by its id or the unambiguous beginning of it; "last" is the newest. Throws
// Error{not_found, argument, io}.
JournalText show_run(const std::filesystem::path& state_dir, std::string_view id);

// The run that was interrupted, if there is one. Meant for the holder of the stack's lock: any run
// without an end is open then. Throws Error{io} for a journal that cannot be read.
std::optional<JournalText> find_open_run(const std::filesystem::path& state_dir);

// Throws Error{conflict} when a run is open: "run X of phase deploy was interrupted in step Y",
// with `fusebox recover` as the hint.
void refuse_open_run(const std::filesystem::path& state_dir);

// Removes the oldest ended journals beyond `keep`. Open and unreadable ones stay.
void prune_runs(const std::filesystem::path& state_dir, std::size_t keep);

}  // namespace fusebox::run
