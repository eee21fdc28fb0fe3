// SPDX-License-Identifier: Apache-2.0
// Reads what the shims wrote (shim/log_writer.hpp), of several services merged by time.
#pragma once

#include <string_view>

#include "settings.hpp"

namespace fbx {
class Op;
class Sink;
}  // namespace fbx

namespace runtime_process {

// The logs slot of runtime.h. `tail` counts per service.
void stream_logs(fbx::Op& op, const Settings& settings, std::string_view request,
                 const fbx::Sink& ndjson);

}  // namespace runtime_process
