// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fusebox/host.h>

namespace fusebox::plugin {

// fusebox.host.process/1
extern const fbx_host_process_v1 kProcessTable;

}  // namespace fusebox::plugin
