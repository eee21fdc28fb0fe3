// SPDX-License-Identifier: Apache-2.0
// File systems of a test's own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace fusebox::test {

// A file system mounted on a folder, until the end.
class Mount {
 public:
  // `options` as of mount(8): "size=8m". Ends the program as skipped when this is not allowed here.
  Mount(std::filesystem::path at, const std::string& options);
  // An ext4 image of `megabytes` in the new file `image`, on a loop device.
  static Mount of_image(std::filesystem::path at, const std::filesystem::path& image,
                        int megabytes);
  ~Mount();
  Mount(Mount&& other) noexcept;
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;

  void read_only(bool is) const;
  void pull();  // as when a drive is pulled out: gone from the tree, whoever uses it
  const std::string& device() const { return device_; }

  // Somebody else's file, that leaves `room` bytes of the free space.
  void fill(std::uint64_t room) const;
  void make_room() const;

 private:
  explicit Mount(std::filesystem::path at) : at_(std::move(at)) {}
  std::filesystem::path at_;
  std::string device_;  // of an image
  bool mounted_ = false;
};

}  // namespace fusebox::test
