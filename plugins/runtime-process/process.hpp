// SPDX-License-Identifier: Apache-2.0
// Processes, told apart for good: a pid alone may be recycled, pid and start time may not.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace runtime_process {

struct ProcessId {
  pid_t pid = 0;
  std::uint64_t start_time = 0;  // in the kernel's own unit, since boot or since 1970
  bool operator==(const ProcessId&) const = default;
};

// The process that has this pid now; nothing when there is none or it is a zombie.
std::optional<ProcessId> identify(pid_t pid);

// Does exactly this process still run?
bool alive(const ProcessId& id);

// Names the machine's current boot; start times of different boots do not compare.
std::string boot_id();

// Sends a signal to exactly this process, never to one that got its pid later. False when it is
// gone. Throws fbx::Error{denied} when the process may not be signalled.
bool signal_process(const ProcessId& id, int signal);

// The same for the process group that `id` leads.
bool signal_group(const ProcessId& id, int signal);

// The processes whose parent is `pid`, zombies left out.
std::vector<ProcessId> children_of(pid_t pid);

struct Usage {
  double cpu_seconds = 0;          // user and system, of all of them
  std::uint64_t memory_bytes = 0;  // resident
  int processes = 0;
};

// The process, its session and all their descendants.
Usage usage_of(const ProcessId& id);

}  // namespace runtime_process
