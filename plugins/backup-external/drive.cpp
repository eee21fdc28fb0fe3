// SPDX-License-Identifier: Apache-2.0
#include "drive.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstdlib>
#include <random>

#include "common/time_text.hpp"

namespace fbx::external {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

constexpr const char* kMarker = ".fusebox-drive";
constexpr std::size_t kMaxMarker = 65536;
constexpr const char* kPlugIn =
    "plug it in and mount it, then `fusebox backup sync`; `fusebox backup monitor` waits for it";

Error absent(const std::string& why) {
  return {FBX_SKIPPED, fmt::format("the external drive is not there: {}", why), kPlugIn};
}

Marker read_marker(const common::Folder& folder) {
  const fs::path path = folder.path() / kMarker;
  try {
    const auto object =
        common::parse_object(folder.read_file(kMarker, kMaxMarker), "the marker", FBX_CONFIG);
    return {common::need_text(object, "id"), common::need_text(object, "stack"),
            common::text_at(object, "volume").value_or(""),
            common::text_at(object, "created").value_or("")};
  } catch (const Error& error) {
    throw Error(
        FBX_CONFIG,
        fmt::format("the drive's marker {} cannot be used: {}", path.string(), error.what()),
        "if it is the right drive, remove that file and run `fusebox drive init`");
  }
}

std::string new_id() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

}  // namespace

std::string described(const Volume& volume) {
  return fmt::format("{} ({} on {})", volume.mount_point.string(), volume.type, volume.source);
}

bool Held::is_there() const {
  struct ::stat held {};
  struct ::stat found {};
  return volume_of(folder.fd()) && ::fstat(folder.fd(), &held) == 0 &&
         ::stat(folder.path().c_str(), &found) == 0 && held.st_dev == found.st_dev &&
         held.st_ino == found.st_ino;
}

void Held::require_there() const {
  if (is_there()) return;
  throw Error(FBX_IO, fmt::format("the drive at {} went away", folder.path().string()),
              "plug it in again, then `fusebox backup sync`: it goes on where it stopped, and what "
              "is not whole is no generation");
}

void Held::require_writable() const {
  if (!volume.read_only) return;
  const std::string where = volume.mount_point.string();
#ifdef __APPLE__
  const std::string hint = fmt::format(
      "unmount it and mount it again (`diskutil unmount {0}`, `diskutil mount {1}`); macOS cannot "
      "write NTFS, and mounts a damaged volume read-only: `diskutil repairVolume {1}`",
      where, volume.source);
#else
  const std::string hint = fmt::format(
      "mount it writable: `sudo mount -o remount,rw {}`; when that does not last, the file system "
      "is damaged: unmount it, then `sudo fsck {}`",
      where, volume.source);
#endif
  throw Error(FBX_IO, fmt::format("the drive is mounted read-only: {}", described(volume)), hint);
}

Drive::Drive(const common::Context& context)
    : path_(common::need_text(context.config, "path")),
      stack_(context.stack),
      id_(common::text_at(context.config, "id").value_or("")),
      volume_(common::text_at(context.config, "volume").value_or("")),
      internal_{"/", context.config_dir, context.state_dir} {
  if (const char* home = std::getenv("HOME")) internal_.emplace_back(home);
}

std::string Drive::internal_place(int fd) const {
  for (const fs::path& place : internal_)
    if (!place.empty() && shares_device(fd, place)) return place.string();
  return {};
}

void Drive::require_own(const Marker& marker, const Volume& volume) const {
  const auto refuse = [&](const std::string& why, const std::string& hint) {
    throw Error(FBX_CONFIG, fmt::format("the drive at {} is refused: {}", path_.string(), why),
                hint);
  };
  if (marker.stack != stack_)
    refuse(fmt::format("it is the drive of the stack \"{}\"", marker.stack),
           "plug in this stack's drive, or set `path` to another folder of this one and run "
           "`fusebox drive init`");
  if (!id_.empty() && marker.id != id_)
    refuse(fmt::format("it is the drive {}, and the setting `id` asks for {}", marker.id, id_),
           "plug in the right one, or change the setting");
  if (!volume_.empty() && volume.uuid != volume_)
    refuse(fmt::format("its file system is {}, and the setting `volume` asks for {}",
                       volume.uuid.empty() ? "one that the system does not identify" : volume.uuid,
                       volume_),
           "plug in the right one, or change the setting");
  if (!marker.volume.empty() && !volume.uuid.empty() && marker.volume != volume.uuid)
    refuse(fmt::format("its marker was made on the file system {}, and this is {}", marker.volume,
                       volume.uuid),
           fmt::format("it is a copy of the drive: to use it instead, remove {} and run `fusebox "
                       "drive init`",
                       (path_ / kMarker).string()));
}

Held Drive::open() const {
  Held held;
  held.folder = common::Folder::open_if_there(path_);
  if (!held.folder) throw absent(fmt::format("there is no {}", path_.string()));
  const bool is_marked = held.folder.contains(kMarker);
  if (const std::string place = internal_place(held.folder.fd()); !place.empty()) {
    const std::string why = fmt::format(
        "{} is a folder of the internal disk, the one that {} is on", path_.string(), place);
    if (!is_marked) throw absent(why);
    throw Error(FBX_CONFIG, fmt::format("{}, though it has a drive's marker", why),
                "a copy on the disk of the original is none: mount the drive there");
  }
  const auto volume = volume_of(held.folder.fd());
  if (!volume) throw absent(fmt::format("{} is mounted no longer", path_.string()));
  held.volume = *volume;
  if (!is_marked)
    throw Error(FBX_CONFIG,
                fmt::format("the drive {} has no marker in {}, so it is not known as a drive of "
                            "this stack",
                            described(held.volume), path_.string()),
                "if it is the right one, prepare it: fusebox drive init");
  held.marker = read_marker(held.folder);
  require_own(held.marker, held.volume);
  return held;
}

Drive::Candidate Drive::candidate() const {
  Candidate found;
  found.folder = common::Folder::open_if_there(path_);
  if (!found.folder) found.parent = common::Folder::open_if_there(path_.parent_path());
  const common::Folder& there = found.folder ? found.folder : found.parent;
  if (!there) throw absent(fmt::format("there is no {}", path_.string()));
  if (const std::string place = internal_place(there.fd()); !place.empty())
    throw Error(FBX_CONFIG,
                fmt::format("{} is a folder of the internal disk, the one that {} is on: no drive "
                            "is mounted there",
                            path_.string(), place),
                "mount the drive there first, or set `path` to where it is mounted");
  const auto volume = volume_of(there.fd());
  if (!volume) throw absent(fmt::format("{} is mounted no longer", path_.string()));
  found.volume = *volume;
  if (!found.folder || !found.folder.contains(kMarker)) {
    found.marker = {id_.empty() ? new_id() : id_, stack_, volume->uuid, {}};
  } else {
    found.marker = read_marker(found.folder);
    found.has_marker = true;
  }
  require_own(found.marker, found.volume);
  return found;
}

void Drive::require_preparable() const { candidate(); }

Drive::Prepared Drive::prepare() const {
  Candidate found = candidate();
  if (found.has_marker) return {found.marker, found.volume, false};
  Held{{}, found.volume, {}}.require_writable();
  if (!found.folder) found.folder = found.parent.make_subfolder(path_.filename().string());
  found.marker.created = common::format_time(std::chrono::system_clock::now());
  found.folder.write_file(kMarker,
                          json::serialize(json::object{{"id", found.marker.id},
                                                       {"stack", stack_},
                                                       {"volume", found.marker.volume},
                                                       {"created", found.marker.created}}) +
                              "\n");
  return {found.marker, found.volume, true};
}

}  // namespace fbx::external
