// SPDX-License-Identifier: Apache-2.0
// The start of a child process, and its end. Internal to the room.
#pragma once

#include <sys/types.h>

#include "util/fd.hpp"
#include "util/subprocess.hpp"

namespace fusebox::util::detail {

enum class Group { own, shared };

// A started process. Killed, with its group, when it was not reaped.
class Child {
 public:
  // Throws Error when it cannot be started, also when only exec fails.
  Child(const ProcessSpec& spec, ProcessFds fds, Group group);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Readable once it ended; -1 where the system has no such thing.
  int fd() const noexcept { return pidfd_.get(); }
  // Does not reap: the pid and the group stay its own.
  bool exited() const noexcept;
  void signal(int number) const noexcept;
  // Only after exited().
  ProcessResult reap();

 private:
  pid_t pid_ = -1;
  Group group_;
  UniqueFd pidfd_;
};

}  // namespace fusebox::util::detail
