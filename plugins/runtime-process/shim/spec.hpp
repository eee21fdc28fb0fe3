// SPDX-License-Identifier: Apache-2.0
// What fusebox-shim is told to do. It comes through an inherited pipe, for it holds secrets.
#pragma once

#include "../record.hpp"

namespace runtime_process::shim {

// The descriptors that the shim is started with, beside 0, 1 and 2.
inline constexpr int spec_fd = 3;    // one Spec as JSON, then the end
inline constexpr int status_fd = 4;  // from the shim: {"error":"..."} when it could not be done,
                                     // {"pid":4711} for a started service, nothing for a command
inline constexpr int lock_fd = 5;    // the service's lock, held as long as the shim lives

struct Spec {
  // service: run it, keep its log and its record, until it ends. command: become the program.
  enum class Mode { service, command } mode = Mode::command;
  Record record;                                   // service; its command and account: both
  std::map<std::string, std::string> environment;  // with values
  std::optional<std::string> stdin_text;           // service; with values
  std::vector<std::string> redact;                 // values that must not reach the log
  fs::path record_file;                            // service
  bool own_group = true;                           // command: false when it uses a terminal
};

std::string to_text(const Spec& spec);
Spec spec_from_text(std::string_view text);

}  // namespace runtime_process::shim
