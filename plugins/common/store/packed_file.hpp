// SPDX-License-Identifier: Apache-2.0
// One stream as one file: compressed by zstd or as it is, hashed as it is written and read.
#pragma once

#include <cstdint>
#include <fusebox/plugin.hpp>
#include <string>
#include <vector>

#include "common/folder.hpp"

namespace fbx::store {

enum class Packing { zstd, none };

struct Packed {
  std::uint64_t bytes = 0;         // of the stream
  std::uint64_t stored_bytes = 0;  // of the file
  std::string sha256;              // of the file
};

struct PackOptions {
  Packing packing = Packing::zstd;
  int level = 3;
  int threads = 1;
  std::vector<std::string> recipients = {};  // of age; none: not encrypted
};

// Everything from `fd` into the new file `file`, which is on disk on return and gone after an
// error. Compression and hash have threads of their own; memory does not grow with the stream.
Packed pack(const Op& op, int fd, const common::Folder& folder, const std::string& file,
            const PackOptions& options);

// What a file should be.
struct Expected {
  std::uint64_t stored_bytes = 0;
  std::string sha256;
};

struct UnpackOptions {
  Packing packing = Packing::zstd;
  const Secret* identity = nullptr;  // of age; null: not encrypted
};

// The stream in `file` to `fd`. Throws Error{FBX_FAILED} when the file is not the expected one;
// what has been written by then must not be used.
std::uint64_t unpack(const Op& op, const common::Folder& folder, const std::string& file,
                     const Expected& expected, const UnpackOptions& options, int fd);

// The file's own bytes from `from` on to `fd`; it is read and compared from its beginning.
std::uint64_t send_stored(const Op& op, const common::Folder& folder, const std::string& file,
                          const Expected& expected, std::uint64_t from, int fd);

// The file's hash and size, read from the disk.
Packed measure(const Op& op, const common::Folder& folder, const std::string& file);

}  // namespace fbx::store
