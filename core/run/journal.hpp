// SPDX-License-Identifier: Apache-2.0
// One JSON Lines file per run: what was begun is on disk before it begins, what it made before the
// next thing begins. docs/RUNS.md is the format's reference.
#pragma once

#include "run/state.hpp"

#include <boost/json/value.hpp>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::run {

// Replaces secret values in a text.
using Redact = std::function<std::string(std::string_view)>;

// Redacts every string in `value`, keys too.
boost::json::value redacted(const boost::json::value& value, const Redact& redact);

// Redacts a record's or an event's fields, all but those that hold names out of the configuration
// ("step", "phase", ...): a secret whose value is an ordinary word must not make those unreadable.
boost::json::object redacted_fields(const boost::json::object& data, const Redact& redact);

// Where a journal's lines go. append() returns when the line is durable.
class JournalSink {
 public:
  virtual ~JournalSink() = default;
  virtual void append(std::string_view line) = 0;
};

// A new journal's file; it must not exist.
std::unique_ptr<JournalSink> create_journal_file(const std::filesystem::path& file);
// An existing journal's file, cut to its first `valid_bytes` (a torn last line goes).
std::unique_ptr<JournalSink> reopen_journal_file(const std::filesystem::path& file,
                                                 std::uint64_t valid_bytes);

// Thread-safe.
class Journal {
 public:
  Journal(std::unique_ptr<JournalSink> sink, Redact redact);
  // Throws Error{io, ...} when the record is not on disk.
  void append(const Record& record);

 private:
  std::mutex mutex_;
  std::unique_ptr<JournalSink> sink_;
  Redact redact_;
};

// What a journal's file holds.
struct JournalText {
  std::vector<Record> records;
  RunState state;
  std::uint64_t valid_bytes = 0;  // without the torn last line
  bool torn = false;
};

// Reads a journal. A last line without its newline is torn and left out, since whatever it would
// have announced did not begin. Anything else that is wrong is Error{io} with "file:line: ...".
// A journal without any whole line gives no records.
JournalText parse_journal(std::string_view text, const std::string& file);
JournalText read_journal(const std::filesystem::path& file);

// "20260509T073031.186Z-3fa9c1d2": sorts by time.
std::string new_run_id(std::chrono::system_clock::time_point now);

// <state_dir>/runs/<id>.jsonl
std::filesystem::path journal_file(const std::filesystem::path& state_dir, std::string_view id);

}  // namespace fusebox::run
