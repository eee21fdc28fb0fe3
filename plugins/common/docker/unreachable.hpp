// SPDX-License-Identifier: Apache-2.0
// What libcurl needs to know of an address, and what its failures mean to an operator.
#pragma once

#include <curl/curl.h>

#include <string>
#include <string_view>

#include "common/docker/address.hpp"

namespace fbx::docker {

// "http://docker" for a socket, "https://10.0.0.2:2376" else.
std::string base_url(const Address& address);

void set_tls(CURL* handle, const Address& address);

// Throws Error{FBX_CONFIG} for a socket's path that is too long for the system.
void check_socket(const Address& address);

// "the Docker engine at unix:///var/run/docker.sock (DOCKER_HOST)"
std::string engine_at(const Address& address);

// Throws what a transfer's failure means. `number`: the system's error, 0 when there is none.
[[noreturn]] void throw_unreachable(const Address& address, CURLcode code, int number,
                                    std::string_view detail, const std::string& what);

}  // namespace fbx::docker
