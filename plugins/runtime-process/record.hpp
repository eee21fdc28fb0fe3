// SPDX-License-Identifier: Apache-2.0
// What is on record about a started service: <state_dir>/services/<name>.json, written by its shim.
// While the shim lives it holds the lock beside it, so that nobody starts the service twice.
#pragma once

#include <optional>
#include <string>

#include "definition.hpp"
#include "process.hpp"
#include "sys.hpp"

namespace runtime_process {

struct Record {
  std::string run;  // the run that started it
  Definition definition;
  std::string hash;  // of the definition
  std::string boot;
  ProcessId process;
  ProcessId shim;
  SystemTime started_at{};
  std::optional<SystemTime> ended_at;
  std::optional<int> exit_code;  // 128 + signal when a signal ended it, as shells say

  // Does the process that this record is about still run?
  bool running() const;
  bool shim_alive() const;
};

fs::path record_file(const fs::path& state_dir, std::string_view service);
fs::path lock_file(const fs::path& state_dir, std::string_view service);

// Nothing when the service was never started. Throws fbx::Error{io} when the file is broken.
std::optional<Record> read_record(const fs::path& state_dir, std::string_view service);

boost::json::object to_json(const Record& record);
Record record_from_json(const boost::json::object& json);

}  // namespace runtime_process
