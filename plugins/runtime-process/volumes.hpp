// SPDX-License-Identifier: Apache-2.0
// The data folders: their sizes, and their content as a tar stream.
#pragma once

#include <string>
#include <string_view>

#include "settings.hpp"

namespace fbx {
class Op;
}

namespace runtime_process {

// Each takes and gives JSON as runtime.h says. Throw fbx::Error.
std::string list_volumes(fbx::Op& op, const Settings& settings, std::string_view request);
std::string export_volume(fbx::Op& op, const Settings& settings, std::string_view request, int fd);
std::string import_volume(fbx::Op& op, const Settings& settings, std::string_view request, int fd);

}  // namespace runtime_process
