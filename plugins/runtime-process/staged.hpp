// SPDX-License-Identifier: Apache-2.0
// Content of a volume beside the one that is live, and which of the two it is.
//
// All of it is in <data_dir>/.staged/<service>/<tag>, and what exists there tells how far it came,
// so that a call that was interrupted anywhere can be repeated or taken back:
//
//   part    is being filled or removed: worth nothing
//   new     the staged content, whole
//   old     the content that was live before; or
//   none    there was none
//   gone    the old content while it is removed, from when on there is no way back
//
// With `old` or `none` there, the live content is the new one, unless `new` is there too: then it
// was on its way, in one direction or the other, and nothing is live.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "settings.hpp"

namespace fbx {
class Op;
}

namespace runtime_process {

// Each takes and gives JSON as runtime.h says. Throw fbx::Error.
std::string stage_volume(fbx::Op& op, const Settings& settings, std::string_view request, int fd);
std::string turn_volume(fbx::Op& op, const Settings& settings, std::string_view request);

// The folder of all that is staged for a service; it need not exist.
fs::path staged_dir(const Settings& settings, std::string_view service);

// The services for which something is staged, also those that the config no longer has.
std::vector<std::string> staged_volumes(const Settings& settings);

// The tag of a turn that was interrupted while nothing was live; empty: there is none.
std::string interrupted_turn(const Settings& settings, std::string_view service);

}  // namespace runtime_process
