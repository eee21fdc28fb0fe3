// SPDX-License-Identifier: Apache-2.0
// The little TCP and HTTP that readiness checks need.
#pragma once

#include <string>
#include <string_view>

#include "sys.hpp"
#include "wait.hpp"

namespace runtime_process {

// Connects within `timeout`. No descriptor: `why` says why not. Throws only what `wait` throws.
Fd connect_tcp(const std::string& host, int port, milliseconds timeout, const Wait& wait,
               std::string& why);

// The status of GET on an "http://host:port/path" address; 0: `why` says why not.
int http_status(std::string_view url, milliseconds timeout, const Wait& wait, std::string& why);

// Can a server listen there? Otherwise why not.
bool can_listen(const std::string& host, int port, std::string& why);

}  // namespace runtime_process
