// SPDX-License-Identifier: Apache-2.0
// Values that nobody can guess, from the system's random generator.
#pragma once

#include "common/wiped.hpp"

#include <cstddef>

namespace secrets_file {

// Letters and digits only, so that a value is safe in URLs, query strings and shells.
fbx::common::WipedText random_alphanumeric(std::size_t length);

// 64 lower-case hex digits: 256 bits.
fbx::common::WipedText random_hex_key();

}  // namespace secrets_file
