// SPDX-License-Identifier: Apache-2.0
// Runs a body in a child process, so that a plugin that crashes takes down no more than that.
#pragma once

#include <functional>
#include <string>

namespace fusebox::run {

// How the child ended when not by returning from its body.
struct CrashInfo {
  enum class Kind {
    signal,      // killed by `number`
    exit,        // a plugin called exit(`number`) or _exit()
    error,       // the body threw; `text` says what it was
    handed_over  // the body threw HandOver: the parent is to go on
  };
  Kind kind = Kind::signal;
  int number = 0;
  std::string text;
  // "killed by SIGSEGV (Segmentation fault)", "ended by itself with exit code 3".
  std::string str() const;
};

// Thrown by a child's body that wants its process gone and the parent to go on; `why` becomes the
// text of the CrashInfo.
struct HandOver {
  std::string why;
};

// Forks; the child runs `child_body`, reports its return value through a pipe, and ends by _exit
// with it; the parent waits and returns it. When the child ends in any other way the parent returns
// what `on_crash` returns.
//
// Call it before any thread is started. The child kills itself when the parent dies, however that
// happens. Ctrl-C at the terminal reaches both, and the parent only waits; a signal that is sent to
// the parent alone is passed on. Throws Error{io} when it cannot fork.
int supervise(const std::function<int()>& child_body,
              const std::function<int(const CrashInfo&)>& on_crash);

}  // namespace fusebox::run
