// SPDX-License-Identifier: Apache-2.0
// The data folders: their sizes, and their content as a tar stream.
#pragma once

#include <common/archive.hpp>
#include <string>
#include <string_view>

#include "settings.hpp"
#include "wait.hpp"

namespace fbx {
class Op;
}

namespace runtime_process {

// Each takes and gives JSON as runtime.h says. Throw fbx::Error.
std::string list_volumes(fbx::Op& op, const Settings& settings, std::string_view request);
std::string export_volume(fbx::Op& op, const Settings& settings, std::string_view request, int fd);
std::string import_volume(fbx::Op& op, const Settings& settings, std::string_view request, int fd);

// For all that moves a volume's content. Throws fbx::Error{conflict} when its service runs.
void require_stopped(const Settings& settings, const Service& service);
// Lets a transfer of `what` end by cancellation or deadline; `wait` outlives it.
fbx::common::ArchivePace pace_of(const Wait& wait, std::string what);
// {"files":56,"bytes":1234}
std::string totals_json(const fbx::common::ArchiveTotals& totals);

}  // namespace runtime_process
