// SPDX-License-Identifier: Apache-2.0
// What the steps of one restore tell one another, also across a crash: <state_dir>/restore.json.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fbx::backup {

struct Target {
  std::string source;
  std::string instance;  // that captures and restores it
};

struct Session {
  std::string run;
  std::string generation;
  std::string started;               // RFC 3339
  std::vector<Target> targets = {};  // when settling: what is not settled yet
  bool staged = false;               // something of it is beside the live data, or is live
  bool settling = false;             // the old data is going or gone: there is no way back any more

  // By which everything that this restore creates is named: the run's id in lower-case letters and
  // digits.
  std::string tag() const;
};

// Nothing when there is none. Throws Error{FBX_IO} for a file that cannot be read.
std::optional<Session> read_session(const std::string& state_dir);
// On disk when it returns.
void write_session(const std::string& state_dir, const Session& session);
void remove_session(const std::string& state_dir);

}  // namespace fbx::backup
