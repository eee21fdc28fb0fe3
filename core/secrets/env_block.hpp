// SPDX-License-Identifier: Apache-2.0
// The environment of one child, with secret values in it.
#pragma once

#include <string_view>
#include <vector>

#include "secrets/locked_heap.hpp"

namespace fusebox::secrets {

// Starts as our own environment. What is set lives in locked memory, wiped with the block; give
// envp() to util::ProcessSpec.
class EnvBlock {
 public:
  EnvBlock();

  // Replaces what has that name. Throws Error{argument} when the name is empty or has a '=', or one
  // of the two has a zero byte.
  void set(std::string_view name, std::string_view value);
  void unset(std::string_view name);

  // Ended by nullptr; valid until the next change.
  char* const* envp() const noexcept { return entries_.data(); }

 private:
  LockedHeap heap_;
  std::vector<LockedHeap::Block> blocks_;
  std::vector<char*> entries_;
};

}  // namespace fusebox::secrets
