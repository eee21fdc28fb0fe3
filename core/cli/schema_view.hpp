// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/schema.hpp"

#include <string>

namespace fusebox::cli {

// What a plugin's author says about its settings, one per line: name, type, whether it is needed or
// what its default is, and the description below. `indent` in columns.
std::string schema_text(const config::Schema& schema, std::size_t indent);

}  // namespace fusebox::cli
