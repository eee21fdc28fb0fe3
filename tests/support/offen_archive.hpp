// SPDX-License-Identifier: Apache-2.0
// Archives as offen/docker-volume-backup 2.x writes them, for tests that cannot have the program.
// From its create_archive.go and archive.go: all below BACKUP_SOURCES in the order of a walk, the
// folder itself first; names are absolute, and those of folders end in no slash; owners as numbers
// and names; sockets are left out; USTAR headers by Go's archive/tar, PAX ones where a name needs
// it.
#pragma once

#include <filesystem>
#include <string>

namespace fusebox::test {

// The tar stream of `folder`, which is called `name` in it ("/backup").
std::string offen_archive(const std::filesystem::path& folder, const std::string& name);

}  // namespace fusebox::test
