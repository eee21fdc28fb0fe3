// SPDX-License-Identifier: Apache-2.0
// The folder of a stack's generations: what is in it, what is half-made, and its lock.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/io.hpp"

namespace fbx::store {

struct StoredFile {
  std::string file;
  std::uint64_t bytes = 0;
  std::uint64_t stored_bytes = 0;
  std::string sha256;
};

struct Generation {
  std::string name;
  std::uint64_t sequence = 0;
  std::string time;  // RFC 3339
  std::uint64_t stored_bytes = 0;
  std::string pin;      // empty: none
  std::string problem;  // empty: none that its names and sizes tell
  std::vector<StoredFile> files;
  boost::json::object manifest;
};

// <root>/<generation>/: the files, SHA256SUMS, and manifest.json. While it is made it is called
// .incoming-<generation>, while it is removed .removing-<generation>: neither is ever listed.
class Generations {
 public:
  explicit Generations(std::filesystem::path root) : root_(std::move(root)) {}

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path folder(const std::string& name) const { return root_ / name; }
  std::filesystem::path incoming(const std::string& name) const;

  // Newest first, by the order in which they were written.
  std::vector<Generation> list() const;
  // "latest": the newest without a problem. Throws Error{FBX_NOT_FOUND}.
  Generation find(const std::string& name) const;
  // Names of folders that a writer left half-made.
  std::vector<std::string> interrupted() const;

  // Makes the root where it is missing, and takes its lock until the descriptor goes. Throws
  // Error{FBX_CONFLICT} when another process has it.
  common::Fd lock() const;
  // Removes what is half-made; only with the lock. Returns the names.
  std::vector<std::string> sweep() const;

  // Gives what was made under incoming() its manifest and its name.
  void publish(const std::string& name, boost::json::object manifest, const std::string& pin) const;
  void set_pin(const Generation& generation, const std::string& pin) const;
  void remove(const Generation& generation) const;

 private:
  Generation read(const std::string& name) const;
  std::filesystem::path root_;
};

// A name for a generation that begins now: "20261124T020000Z-7f3a".
std::string new_name();
// A plain file name: no slash, no leading dot, none of the store's own. Throws
// Error{FBX_ARGUMENT}.
void require_plain(const std::string& file);

// The files that a manifest names. Throws Error{FBX_ARGUMENT} where they are not as store.h says.
std::vector<StoredFile> files_of(const boost::json::object& manifest);

}  // namespace fbx::store
