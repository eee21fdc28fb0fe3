// SPDX-License-Identifier: Apache-2.0
#include "run/recover.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "run/lock.hpp"
#include "util/clock.hpp"
#include "util/error.hpp"
#include "util/fd.hpp"

namespace fusebox::run {

namespace fs = std::filesystem;

namespace {

// Newest first.
std::vector<fs::path> journal_files(const fs::path& state_dir) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(state_dir / "runs", error), end; !error && it != end;
       it.increment(error))
    if (it->path().extension() == ".jsonl") files.push_back(it->path());
  if (error && error != std::errc::no_such_file_or_directory)
    throw Error(Errc::io, fmt::format("cannot read the folder {}: {}",
                                      (state_dir / "runs").native(), error.message()));
  std::sort(files.begin(), files.end(), std::greater<>());
  return files;
}

// Looks at the end of the file only: nothing follows a run_end.
bool has_ended(const fs::path& file) {
  const util::UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return false;
  char buffer[4096];
  const off_t size = ::lseek(fd.get(), 0, SEEK_END);
  const off_t start = std::max<off_t>(0, size - static_cast<off_t>(sizeof buffer));
  const ssize_t n = ::pread(fd.get(), buffer, sizeof buffer, start);
  if (n <= 0) return false;
  std::string_view tail(buffer, static_cast<std::size_t>(n));
  if (!tail.ends_with('\n')) return false;
  tail.remove_suffix(1);
  const std::size_t line = tail.rfind('\n');
  if (line != std::string_view::npos) tail.remove_prefix(line + 1);
  return tail.starts_with(R"({"type":"run_end",)") && tail.ends_with('}');
}

RunSummary summarize(const fs::path& file, const RunState& state,
                     const std::optional<LockHolder>& holder) {
  RunSummary summary;
  summary.id = state.id;
  summary.phase = state.phase;
  summary.started = state.started;
  summary.end = state.end;
  summary.file = file;
  summary.running =
      !state.end && holder &&
      (holder->what.find(state.id) != std::string::npos || holder->what.starts_with("recover"));
  if (!state.end) summary.interrupted = state.interrupted();
  return summary;
}

}  // namespace

std::vector<RunSummary> list_runs(const fs::path& state_dir) {
  const auto holder = lock_holder(state_dir);
  std::vector<RunSummary> runs;
  for (const fs::path& file : journal_files(state_dir)) {
    try {
      const JournalText journal = read_journal(file);
      if (!journal.records.empty()) runs.push_back(summarize(file, journal.state, holder));
    } catch (const Error& error) {
      RunSummary damaged;
      damaged.id = file.stem().native();
      damaged.file = file;
      damaged.problem = error.what();
      runs.push_back(std::move(damaged));
    }
  }
  return runs;
}

JournalText show_run(const fs::path& state_dir, std::string_view id) {
  std::vector<fs::path> matches;
  for (const fs::path& file : journal_files(state_dir))
    if (id == "last" || file.stem().native().starts_with(id)) matches.push_back(file);
  if (matches.empty())
    throw Error(Errc::not_found, fmt::format("there is no run \"{}\"", id),
                "`fusebox runs list` shows all");
  if (matches.size() > 1 && id != "last")
    throw Error(Errc::argument,
                fmt::format("\"{}\" is the beginning of {} runs", id, matches.size()),
                "give more of the id; `fusebox runs list` shows all");
  return read_journal(matches.front());
}

std::optional<JournalText> find_open_run(const fs::path& state_dir) {
  for (const fs::path& file : journal_files(state_dir)) {
    if (has_ended(file)) continue;
    JournalText journal = read_journal(file);
    if (!journal.records.empty() && !journal.state.end) return journal;
  }
  return std::nullopt;
}

void refuse_open_run(const fs::path& state_dir) {
  const auto open = find_open_run(state_dir);
  if (!open) return;
  const RunState& state = open->state;
  const auto in = state.interrupted();
  std::string where = "between two steps";
  if (!in.empty()) where = fmt::format("in step {}", fmt::join(in, ", "));
  if (state.undo_begun && in.empty())
    where = fmt::format("with {} not undone", fmt::join(state.not_undone(), ", "));
  throw Error(Errc::conflict,
              fmt::format("run {} of phase {} was interrupted {}{}", state.id, state.phase,
                          state.undo_begun && !in.empty() ? "while undoing, " : "", where),
              state.undo_begun
                  ? "`fusebox recover --undo` goes on undoing it"
                  : "`fusebox recover --undo` undoes it, `fusebox recover --resume` goes on");
}

void prune_runs(const fs::path& state_dir, std::size_t keep) {
  std::size_t ended = 0;
  for (const fs::path& file : journal_files(state_dir)) {
    std::error_code ignored;
    const bool is_empty = fs::file_size(file, ignored) == 0;
    if (!is_empty && !has_ended(file)) continue;
    if (is_empty || ++ended > keep) fs::remove(file, ignored);
  }
}

}  // namespace fusebox::run
