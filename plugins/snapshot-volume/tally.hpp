// SPDX-License-Identifier: Apache-2.0
// What a volume holds, as numbers and as a digest that is the same in whatever order its files
// come.
#pragma once

#include <array>
#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/digest.hpp"
#include "common/tar_walk.hpp"

namespace fbx::snapshot {

class Tally {
 public:
  // `uncounted`: files and folders that do not count, relative to the volume. What a runtime stages
  // in the volume never does.
  explicit Tally(std::vector<std::string> uncounted) : uncounted_(std::move(uncounted)) {}

  // Counts the entries of a walk. This outlives it; a digest costs reading every byte.
  void watch(common::TarWalk& walk, bool with_digest);

  std::uint64_t files() const { return files_; }
  std::uint64_t bytes() const { return bytes_; }
  // {"files":3,"bytes":1234}
  boost::json::object counts() const;
  // {"files":"<hex>"}; empty without a digest. A hard link's content came with another name, which
  // one is chance, so a volume that has some has none.
  boost::json::object digests() const;

 private:
  bool is_counted(const std::string& path) const;
  void add_content(const common::TarEntry& entry, std::string_view bytes);
  void add(const common::TarEntry& entry);

  std::vector<std::string> uncounted_;
  std::uint64_t files_ = 0;
  std::uint64_t bytes_ = 0;
  bool with_digest_ = false;
  std::optional<common::Sha256> file_;      // of the entry that is being read
  std::array<unsigned char, 32> digest_{};  // of all files, each one's added by XOR
};

}  // namespace fbx::snapshot
