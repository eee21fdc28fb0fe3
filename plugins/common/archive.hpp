// SPDX-License-Identifier: Apache-2.0
// A folder's content as a POSIX tar (pax) stream, and back: numeric owners, modes, times, links,
// sparse files and extended attributes. Paths are relative to the folder.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace fbx::common {

struct ArchiveTotals {
  std::uint64_t files = 0;           // entries other than folders
  std::uint64_t bytes = 0;           // of file content
  std::vector<std::string> skipped;  // what a tar stream cannot hold: sockets
};

// Called before each transfer on the stream's descriptor, with poll()'s events, and now and then
// in between with none. Waits until the descriptor is ready, or throws to end the whole call.
using ArchivePace = std::function<void(int fd, short events)>;

// still: nothing writes to the folder. live: its files are written once and renamed into place, so
// that one which vanishes may be left out.
enum class FolderState { still, live };

// Writes the content of `folder` to `fd`. Throws Error{io}; a file that changes or vanishes while
// it is read is an error, for the result would be neither the one nor the other. Of a live folder
// it is Error{unavailable}, and only when the stream already has a part of the file.
ArchiveTotals write_archive(const std::filesystem::path& folder, int fd, const ArchivePace& pace,
                            FolderState state = FolderState::still);

// Fills `folder`, which must exist and be empty (Error{conflict}), from such a stream. Owners are
// set when we are root. An entry that would leave the folder (absolute, "..", through a link), a
// device, or a stream that ends too early fails the call; then all that was written is removed.
ArchiveTotals extract_archive(int fd, const std::filesystem::path& folder, const ArchivePace& pace);

}  // namespace fbx::common
