// SPDX-License-Identifier: Apache-2.0
// .security/incidents.log: one line of JSON for each leak that was found or stopped, without its
// value.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "engine/finding.hpp"

namespace fusebox::scan {

inline constexpr const char* incidents_file = ".security/incidents.log";

struct Incident {
  std::string time;    // RFC 3339
  std::string who;     // as git would sign, else the user's name
  std::string source;  // "staged", "history", ...
  std::string rule;
  std::string file;
  std::int64_t line = 0;
  std::string commit;  // "" where there is none
  std::string fingerprint;
};

// Appends, one write per line, under a lock; nothing where the repository at `top` has no .security
// folder, which `security init` makes. Throws fbx::Error{FBX_IO}.
void record_incidents(const std::filesystem::path& top, const std::string& who,
                      const std::string& source, std::span<const Finding> findings);

// Oldest first. A line that cannot be read is counted in `torn`.
std::vector<Incident> read_incidents(const std::filesystem::path& top, std::size_t& torn);

}  // namespace fusebox::scan
