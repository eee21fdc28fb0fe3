// SPDX-License-Identifier: Apache-2.0
// The rules that keep the source tree's rooms apart, as functions over a tree, so that they can be
// tried on a bad one too. Each returns one line per offence, with file and line.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace walls {

using Offences = std::vector<std::string>;

// A plugin and the SDK include nothing of core/, and link none of its rooms.
Offences plugin_wall(const std::filesystem::path& root);

// core/ knows interfaces; it names no plugin outside of comments.
Offences core_wall(const std::filesystem::path& root);

// A room of core/ includes only the rooms that docs/ARCHITECTURE.md lets it use.
Offences room_wall(const std::filesystem::path& root);

// At most 600 lines, a licence line on top, and no note to finish later.
Offences file_rules(const std::filesystem::path& root);

// What is shipped asks the system itself instead of a shell's tools, whose options differ between
// systems; and no script or container command needs a shell beyond POSIX (macOS has bash 3.2).
Offences shell_rules(const std::filesystem::path& root);

}  // namespace walls
