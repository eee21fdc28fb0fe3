// SPDX-License-Identifier: Apache-2.0
// Cuts a stream into chunks at the very places where gitleaks does: a match does not reach from one
// into the next.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "engine/fragment.hpp"

namespace fusebox::scan {

// Fills `to` as far as there is something; less than asked for means the end. Throws.
using ReadFull = std::function<std::size_t(char* to, std::size_t room)>;

class Chunks {
 public:
  explicit Chunks(ReadFull read) : read_(std::move(read)) {}

  // The next chunk; empty at the end. Valid until the next call. `head`: so much of it was read
  // at first, before a better place to cut was sought.
  std::string_view next(std::size_t& head);

 private:
  void extend();

  ReadFull read_;
  std::string chunk_;
  std::array<char, 4096> ahead_{};  // read, and not in a chunk yet
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

// Gives each chunk as a fragment with `like`'s names. Stops at what is a binary file by its first
// bytes.
void for_each_chunk(ReadFull read, const Fragment& like, const OnFragment& take);

// An application's file by its first bytes, as the package that gitleaks uses tells it: archives,
// programs, documents, fonts. Pictures and sounds are none.
bool is_binary(std::string_view head);

}  // namespace fusebox::scan
