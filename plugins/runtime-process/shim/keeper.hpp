// SPDX-License-Identifier: Apache-2.0
// Runs one service from its start to its end.
#pragma once

#include "spec.hpp"

namespace runtime_process::shim {

// Starts the service, puts it on record, answers on status_fd, then pumps its output into the log
// until it ends, and puts its exit code on record. Whatever it leaves running is killed. Returns
// the exit code for the shim's own process.
int keep(Spec spec);

}  // namespace runtime_process::shim
