// SPDX-License-Identifier: Apache-2.0
// One stream as one file: compressed by zstd or as it is, hashed as it is written and read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fusebox/plugin.hpp>
#include <string>

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
};

// Everything from `fd` into the new file `path`, which is on disk on return and gone after an
// error. Compression and hash have threads of their own; memory does not grow with the stream.
Packed pack(const Op& op, int fd, const std::filesystem::path& path, const PackOptions& options);

// The stream in `path` to `fd`. Throws Error{FBX_FAILED} when the file is not the one that `sha256`
// and `stored_bytes` name; what has been written by then must not be used.
std::uint64_t unpack(const Op& op, const std::filesystem::path& path, Packing packing,
                     const std::string& sha256, std::uint64_t stored_bytes, int fd);

// The file's hash and size, read from the disk.
Packed measure(const Op& op, const std::filesystem::path& path);

}  // namespace fbx::store
