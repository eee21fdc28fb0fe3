// SPDX-License-Identifier: Apache-2.0
// Bytes in and out of a volume, through a container that has it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/archive_copy.hpp"
#include "common/compose_runtime/carrier.hpp"

namespace fbx::compose_runtime {

// The one name at the root of a volume that is fusebox's own: what is restored there, beside the
// live content. No stream has it.
inline constexpr std::string_view beside_folder = ".fbx-beside";

// The whole volume as a stream on `fd`. `what` is for errors: "exporting data".
common::ArchiveTotals export_through(docker::Engine& engine, const Carrier& carrier, int fd,
                                     const std::string& what);

// The stream on `fd` into the folder `below` of the volume, which holds nothing; "": its root.
common::ArchiveTotals fill(docker::Engine& engine, const Carrier& carrier, const std::string& below,
                           int fd, const std::string& what);

// Into a folder of a container that does not run.
void put_entries(docker::Engine& engine, const std::string& container, const std::string& folder,
                 const std::vector<common::SmallEntry>& entries);

// What is at a path in a container; nothing when there is none.
std::optional<common::ArchiveRoot> look_into(docker::Engine& engine, const std::string& container,
                                             const std::string& path);
std::optional<std::string> read_file(docker::Engine& engine, const std::string& container,
                                     const std::string& path);

// The last lines that a container with a terminal wrote.
std::string read_output(docker::Engine& engine, const std::string& container);

std::string totals_json(const common::ArchiveTotals& totals);

}  // namespace fbx::compose_runtime
