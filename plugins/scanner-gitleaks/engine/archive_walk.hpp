// SPDX-License-Identifier: Apache-2.0
// Looks into archives, and into archives in them.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "engine/chunks.hpp"
#include "engine/fragment.hpp"

namespace fusebox::scan {

// By the name alone, as gitleaks tells it: ".gz" or ".tar" anywhere in it makes one.
struct ArchiveName {
  bool is_compressed = false;  // .gz, .xz, ...
  bool is_container = false;   // .tar, .zip, ...
  bool is_archive() const { return is_compressed || is_container; }
};
ArchiveName archive_name(std::string_view path);

// What becomes of files on the way.
struct FileSink {
  int max_archive_depth = 0;
  OnFragment take;
  std::function<bool(const std::string& path)> skips;  // asked for files within archives
  std::function<void(const std::string& path)> too_deep;
  std::function<void(const std::string& path, const std::string& why)> failed;
};

// Scans what `read` gives, however deep it is packed, as the file that `like` names. `name` is that
// within the innermost archive.
void walk_file(const ReadFull& read, const Fragment& like, std::string_view name,
               const FileSink& sink, int depth = 0);

}  // namespace fusebox::scan
