// SPDX-License-Identifier: Apache-2.0
// Child processes: no inherited descriptors, a process group of their own, never a lost one.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::util {

class CancelToken;

struct ProcessSpec {
  std::vector<std::string> command;      // [0] without a slash is looked up in our PATH
  std::filesystem::path cwd;             // empty: ours
  std::vector<std::string> environment;  // "K=V", set over our own environment
  std::vector<std::string> unset;        // names taken out of it
  // The whole environment, ended by nullptr, used as it stands instead of the two above. The caller
  // owns, and wipes, the memory: the way for secret values.
  char* const* envp = nullptr;
  std::string_view stdin_bytes;           // borrowed; empty: /dev/null
  std::chrono::milliseconds grace{5000};  // between SIGTERM and SIGKILL
};

// How it ended: an exit code, or the signal that killed it (exit_code is 128 + signal then).
struct ProcessResult {
  int exit_code = 0;
  int signal = 0;
  bool ok() const { return exit_code == 0; }
};

// Gets output in pieces, on the calling thread. The bytes are wiped after the call.
using OutputSink = std::function<void(std::string_view)>;
using Deadline = std::optional<std::chrono::steady_clock::time_point>;

// Runs a program until it ends. An empty sink means /dev/null. Throws Error{not_found, denied, ...}
// when it cannot be started; Error{timeout} or Error{cancelled} once its whole group was stopped:
// SIGTERM, and SIGKILL when the grace is over. A sink that throws stops the group as well. What the
// program left running and holding its output open is not waited for.
ProcessResult run_process(const ProcessSpec& spec, const OutputSink& on_stdout,
                          const OutputSink& on_stderr, Deadline deadline,
                          const CancelToken* cancel);

// Borrowed descriptors for a child; -1: /dev/null.
struct ProcessFds {
  int in = -1;
  int out = -1;
  int err = -1;
};

// Likewise, on given descriptors. When `in` is a terminal, the child stays in our process group so
// that it may read from it, and Ctrl-C is the child's: we ignore SIGINT and SIGQUIT meanwhile.
ProcessResult run_attached(const ProcessSpec& spec, ProcessFds fds, Deadline deadline,
                           const CancelToken* cancel);

// The executable that `name` stands for: as it is when it has a slash, else the first in PATH.
// Empty parts of PATH do not mean the current folder.
std::optional<std::filesystem::path> find_program(std::string_view name);

}  // namespace fusebox::util
