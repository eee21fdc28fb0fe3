// SPDX-License-Identifier: Apache-2.0
// Reads a tar stream to its end, entry by entry.
#pragma once

#include <cstdint>
#include <functional>
#include <fusebox/plugin.hpp>
#include <string>
#include <string_view>

namespace fbx::common {

struct TarEntry {
  std::string path;  // without a leading "./"; empty: the root itself
  bool is_file = false;
  bool is_hard_link = false;  // its content came with another entry
  std::uint64_t bytes = 0;    // of content in the stream
  std::uint64_t size = 0;     // of the file, with its holes
  std::string content;        // of the files that were asked for
};

struct TarTotals {
  std::uint64_t files = 0;  // entries other than folders
  std::uint64_t bytes = 0;
};

struct TarWalk {
  // Whose content is wanted, at most 64 MiB each.
  std::function<bool(const std::string& path)> wants = {};
  std::function<void(const TarEntry&)> entry = {};
  // The content of each entry, piece by piece, holes as zeros; entry() follows.
  std::function<void(const TarEntry&, std::string_view)> content = {};
  // Gets every byte of the stream, as it is read.
  std::function<void(std::string_view)> tee = {};
};

// Throws Error{FBX_FAILED} for what is no tar stream, is cut off, or would leave its folder.
TarTotals walk_tar(const Op& op, int fd, const TarWalk& walk);

}  // namespace fbx::common
