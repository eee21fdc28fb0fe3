// SPDX-License-Identifier: Apache-2.0
// A tar archive made elsewhere, entry by entry: plain, or compressed by gzip or zstd. A folder in
// it becomes a tar stream of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/archive.hpp"

namespace fbx::common {

struct SplitEntry {
  std::string path;  // without a leading "/" or "./", and without one at its end
  bool is_folder = false;
  bool is_file = false;  // with content: no link, no device
  std::uint64_t bytes = 0;
};

using TakeBytes = std::function<void(std::string_view)>;

// Every function throws Error{FBX_FAILED} for what is no such archive, is damaged or cut off, or
// would leave its folder; and what `pull` and a `take` throw. One call at a time, from any thread.
class ArchiveSplit {
 public:
  // `pull` gives the next bytes of the archive, valid until its next call; empty at the end.
  explicit ArchiveSplit(std::function<std::string_view()> pull);
  ~ArchiveSplit();
  ArchiveSplit(const ArchiveSplit&) = delete;
  ArchiveSplit& operator=(const ArchiveSplit&) = delete;

  // The next entry; content that nobody took is passed over. Nothing at the end, which is the end
  // of a whole archive then.
  std::optional<SplitEntry> next();

  // The content of the entry that next() gave.
  void content(const TakeBytes& take);

  // That entry, a folder, and all that follows and is in it, as a POSIX tar (pax) stream: paths
  // relative to the folder, numeric owners, modes, times, links. next() gives what comes after.
  ArchiveTotals folder(const TakeBytes& take);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fbx::common
