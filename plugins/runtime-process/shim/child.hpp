// SPDX-License-Identifier: Apache-2.0
// The last steps before a program: its user, folder, environment and signals.
#pragma once

#include "../definition.hpp"

namespace runtime_process::shim {

// Becomes the definition's program, in its data folder (or "/" when there is none) and as its
// user, with descriptors 0, 1 and 2 only. Returns only when that failed, with the reason.
std::string become(const Definition& definition,
                   const std::map<std::string, std::string>& environment);

// Closes every descriptor from `first` on.
void close_from(int first);

// Makes every descriptor from `first` on close when a program is executed.
void close_on_exec_from(int first);

}  // namespace runtime_process::shim
