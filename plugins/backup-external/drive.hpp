// SPDX-License-Identifier: Apache-2.0
// The external drive: known by what is mounted and by a marker on it, never by a folder that
// exists.
#pragma once

#include <filesystem>
#include <fusebox/plugin.hpp>
#include <string>

#include "common/folder.hpp"
#include "common/json.hpp"
#include "volume.hpp"

namespace fbx::external {

// The file .fusebox-drive, which `init` leaves on the drive.
struct Marker {
  std::string id;
  std::string stack;
  std::string volume;  // the file system's UUID; empty: the system did not tell
  std::string created;
};

// A drive that was recognized, as long as it is held.
struct Held {
  common::Folder folder;
  Volume volume;
  Marker marker;

  // Still mounted, and still what its path means?
  bool is_there() const;
  // Throws Error{FBX_IO} when it is not.
  void require_there() const;
  // Throws Error{FBX_IO} with what to do when it is mounted read-only.
  void require_writable() const;
};

class Drive {
 public:
  explicit Drive(const common::Context& context);

  const std::filesystem::path& path() const { return path_; }

  // Throws Error{FBX_SKIPPED} when no drive is there, Error{FBX_CONFIG} when what is there is not
  // this stack's drive.
  Held open() const;

  struct Prepared {
    Marker marker;
    Volume volume;
    bool changed = false;
  };
  // Makes the drive that is mounted there this stack's. Refuses one that is another's, and whatever
  // is no drive.
  Prepared prepare() const;
  // The same, as far as it can be told without doing it.
  void require_preparable() const;

 private:
  struct Candidate {
    common::Folder folder;  // none: the last folder of the path has to be made
    common::Folder parent;  // of one that has to be made
    Volume volume;
    bool has_marker = false;
    Marker marker;
  };
  Candidate candidate() const;
  // Which of this machine's own places shares its device; empty: none.
  std::string internal_place(int fd) const;
  void require_own(const Marker& marker, const Volume& volume) const;

  std::filesystem::path path_;
  std::string stack_;
  std::string id_;      // the setting
  std::string volume_;  // likewise
  std::vector<std::filesystem::path> internal_;
};

// "/media/usb (ext4 on /dev/sdb1)"
std::string described(const Volume& volume);

}  // namespace fbx::external
