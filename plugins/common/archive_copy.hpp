// SPDX-License-Identifier: Apache-2.0
// A tar stream on its way from one place to another, checked and with its paths put right.
#pragma once

#include <functional>
#include <fusebox/plugin.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "common/archive.hpp"

namespace fbx::common {

struct ArchiveCopy {
  // The next bytes of the source, valid until the next call; empty at its end.
  std::function<std::string_view()> pull;
  std::function<void(std::string_view bytes)> push;
  // Leave the first name out of every path: "data/base/1" becomes "base/1".
  bool drop_first = false;
  // Put in front of every path: "base/1" becomes "data/base/1".
  std::string prefix;
  // A name directly in the folder, which is left out with all that is below it.
  std::string leave_out{};
};

// A stream that is none, or ends too early.
struct BrokenArchive : Error {
  using Error::Error;
};

// Copies all entries as pax, with numeric owners, modes, times, links and extended attributes.
// Pulls the source to its end. An entry that would leave the folder (absolute, "..", through a
// link), a device, or a source that ends too early (BrokenArchive) fails the call; throws also what
// pull and push throw.
ArchiveTotals copy_archive(const ArchiveCopy& copy);

// What a stream's beginning tells of its folder.
struct ArchiveRoot {
  bool empty = true;  // it holds nothing
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  unsigned mode = 0755;
};

// Pulls no more than it must. The first name of each path is the folder's own.
ArchiveRoot read_archive_root(const std::function<std::string_view()>& pull);

// One entry of a stream that is small enough to be made in memory.
struct SmallEntry {
  std::string path;  // one that ends with a slash is a folder
  std::string content{};
  unsigned mode = 0700;
  std::int64_t uid = 0;
  std::int64_t gid = 0;
};
std::string small_archive(const std::vector<SmallEntry>& entries);

// The content of a stream's first entry, at most 64 KiB of it.
std::string read_small_file(const std::function<std::string_view()>& pull);

}  // namespace fbx::common
