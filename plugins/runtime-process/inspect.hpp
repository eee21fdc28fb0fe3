// SPDX-License-Identifier: Apache-2.0
// The part of fusebox.runtime/1 that looks and runs beside: services, endpoint, exec, stats.
#pragma once

#include <string>
#include <string_view>

#include "settings.hpp"

namespace fbx {
class Op;
}

namespace runtime_process {

// Each takes and gives JSON as runtime.h says. Throw fbx::Error.
std::string list_services(fbx::Op& op, const Settings& settings, std::string_view request);
std::string find_endpoint(const Settings& settings, std::string_view request);
std::string exec_beside(fbx::Op& op, const Settings& settings, std::string_view request, int in,
                        int out, int err);
std::string sample_stats(fbx::Op& op, const Settings& settings, std::string_view request);

}  // namespace runtime_process
