// SPDX-License-Identifier: Apache-2.0
// Starting programs through fusebox-shim.
#pragma once

#include "definition.hpp"
#include "record.hpp"
#include "wait.hpp"

namespace runtime_process {

// What a definition's references to secrets stand for. Wiped as far as std::string allows.
struct Values {
  std::map<std::string, std::string> environment;
  std::optional<std::string> stdin_text;
  std::vector<std::string> secrets;
  Values() = default;
  Values(Values&&) = default;
  Values& operator=(Values&&) = default;
  Values(const Values&) = delete;
  Values& operator=(const Values&) = delete;
  ~Values();
};

// Asks the host for the secrets. Throws what it throws.
Values resolve_secrets(const fbx::Op& op, const Definition& definition);

// The helper: libexec/fusebox/fusebox-shim beside or above the folder of this plugin's library.
// Throws fbx::Error{not_found}, or denied when somebody else could have replaced it.
fs::path find_shim();

// Starts the service in the background. `lock` is its lock (record.hpp), which the shim holds from
// now on. Back when the program runs and is on record; `record.run`, `definition` and `hash` are
// taken from `record`. Throws fbx::Error with the reason when it could not be started.
void start_in_background(const fbx::Op& op, const fs::path& state_dir, const Record& record,
                         const Fd& lock, const Wait& wait);

struct Streams3 {
  int in = -1;  // -1: /dev/null
  int out = -1;
  int err = -1;
};
enum class Terminal { no, yes };

// Runs a program to its end, with the definition's folder, user and `values`; definition.command
// says which. Cancellation ends it. Returns its exit code, 128 + signal when a signal ended it.
int run_command(const Definition& definition, const Values& values, Streams3 streams,
                Terminal terminal, const Wait& wait, std::optional<milliseconds> timeout);

}  // namespace runtime_process
