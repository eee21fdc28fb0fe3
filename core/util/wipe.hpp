// SPDX-License-Identifier: Apache-2.0
// Zeroing that the optimiser cannot drop.
#pragma once

#include <cstddef>
#include <cstring>
#include <string>

namespace fusebox::util {

inline void wipe(void* data, std::size_t size) noexcept {
  std::memset(data, 0, size);
  __asm__ __volatile__("" : : "r"(data) : "memory");
}

// The whole capacity, then empties it.
inline void wipe(std::string& text) noexcept {
  wipe(text.data(), text.capacity());
  text.clear();
}

}  // namespace fusebox::util
