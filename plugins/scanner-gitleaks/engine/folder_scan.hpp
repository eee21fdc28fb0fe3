// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "engine/archive_walk.hpp"
#include "engine/scan_state.hpp"

namespace fusebox::scan {

// Every file below `root`, or `root` itself. Links are left out, but for `root`.
void scan_folder(Scan& scan, const DetectorOptions& options, const std::filesystem::path& root);

// Everything that `fd` gives, as a file without a name.
void scan_stream(Scan& scan, const DetectorOptions& options, int fd);

// What a worker does with files.
FileSink file_sink(Scan& scan, Worker& worker);

}  // namespace fusebox::scan
