// SPDX-License-Identifier: Apache-2.0
// The image that the tests' containers are made of: busybox and nothing else.
#pragma once

#include <string>

namespace engine_test {

inline constexpr const char* busybox_image = "fusebox-test/busybox:1";

// Ends the program with 77 when DOCKER_HOST names no engine of the tests' own, or this machine has
// no busybox.
void require_engine();

// A tar stream of its file system, to import.
std::string busybox_stream();

}  // namespace engine_test
