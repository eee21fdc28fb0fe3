// SPDX-License-Identifier: Apache-2.0
// What is wrong with a secret's value, told without a byte of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace fbx::common {

// Looks for what breaks Langfuse or protects nothing: a value published in examples, an
// ENCRYPTION_KEY that is not 64 hex digits, a CLICKHOUSE_PASSWORD that would need escaping in a
// query string, white space around it, too few characters. `where` says where the value comes from.
std::vector<Finding> judge_secret(std::string_view name, std::string_view value,
                                  const std::string& where);

}  // namespace fbx::common
