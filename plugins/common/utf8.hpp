// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace fbx::common {

// `text` with U+FFFD in place of every byte that is no part of valid UTF-8: JSON takes no other
// text, and what a program writes may be anything.
std::string valid_utf8(std::string_view text);

}  // namespace fbx::common
