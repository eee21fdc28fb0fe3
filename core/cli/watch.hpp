// SPDX-License-Identifier: Apache-2.0
// Keeps a command without effects from hanging.
#pragma once

#include "run/interrupt.hpp"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

namespace fusebox::cli {

class Output;

// While it lives, SIGINT and SIGTERM cancel `token()`; a second one ends the process with 130. A
// call that does not come back a while after its own deadline ends it too, with an error that names
// the call. It has a thread, so it is not for commands that fork.
class Watch {
 public:
  explicit Watch(Output& output);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  util::CancelToken& token() { return signals_.cancel; }

  // Watches one call, until the guard dies.
  class Guard {
   public:
    Guard(Watch& watch, std::string what, std::chrono::milliseconds limit);
    ~Guard();
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    Watch& watch_;
  };

 private:
  void loop();

  Output& output_;
  run::Signals signals_;
  run::InterruptScope scope_;
  util::CancelToken done_;
  std::string what_;                       // set before `limit_ms_`, read after it
  std::atomic<std::int64_t> limit_ms_{0};  // steady clock; 0: none
  std::thread thread_;
};

}  // namespace fusebox::cli
