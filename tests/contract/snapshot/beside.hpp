// SPDX-License-Identifier: Apache-2.0
// Runs programs as a runtime's exec() does.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace fusebox::test {

// The program that a request of exec() names, with its streams, to its end. Its environment is this
// process's, `environment` and the request's, with the secrets it names.
int run_beside(std::string_view request, int in, int out, int err,
               const std::map<std::string, std::string>& environment,
               const std::map<std::string, std::string>& secrets);

}  // namespace fusebox::test
