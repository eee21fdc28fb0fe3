// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/value.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace fusebox::config {

inline constexpr std::size_t largest_text = std::size_t{16} << 20U;  // bytes

// One TOML text as a Value; `source` is used for origins. A member's origin is its key, a list
// element's its own place. Throws ConfigError with one problem: the first, the parser stops there.
Value parse_toml(std::string_view text, const std::string& source);

// The bytes of a file; `shown` is its name in errors. Throws ConfigError, naming `from` as the
// place that asked for it.
std::string read_text(const std::filesystem::path& file, const Origin& from);

}  // namespace fusebox::config
