// SPDX-License-Identifier: Apache-2.0
// A run's journal, as a crash may have left it.
#include "run/journal.hpp"
#include "tests/fuzz/check.hpp"
#include "util/error.hpp"

#include <cstdint>
#include <string_view>

// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fusebox;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  try {
    const run::JournalText journal = run::parse_journal(input, "journal");
    fuzz::check(journal.valid_bytes <= size, "the valid part is a part");
    fuzz::check(journal.torn == (journal.valid_bytes < size), "what is not valid is torn");
    fuzz::check(journal.records.empty() == journal.state.id.empty(), "a run has a first record");
    const auto again = run::parse_journal(input.substr(0, journal.valid_bytes), "journal");
    fuzz::check(!again.torn && again.records.size() == journal.records.size(),
                "cutting the torn end loses nothing");
    for (const auto& step : journal.state.steps)
      fuzz::check(!step.needs_undo() || step.started, "only what was started is undone");
  } catch (const Error& error) {
    fuzz::check(error.code() == Errc::io, "a damaged journal is Error{io}");
    fuzz::check(std::string_view(error.what()).starts_with("journal:"), "with file and line");
  }
  return 0;
}
