// SPDX-License-Identifier: Apache-2.0
// The folder of a stack's generations: what is in it, what is half-made, and its lock.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "common/folder.hpp"

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
// Nothing is done outside the folder that is held open.
class Generations {
 public:
  // None: there is nothing yet.
  explicit Generations(common::Folder root) : root_(std::move(root)) {}

  const common::Folder& root() const { return root_; }
  common::Folder folder(const std::string& name) const { return root_.subfolder(name); }

  // Newest first, by the order in which they were written.
  std::vector<Generation> list() const;
  // "latest": the newest without a problem. Throws Error{FBX_NOT_FOUND}.
  Generation find(const std::string& name) const;
  // Names of folders that a writer left half-made.
  std::vector<std::string> interrupted() const;

  // Takes the root's lock until the descriptor goes. Throws Error{FBX_CONFLICT} when another
  // process has it.
  common::Fd lock() const;

  // All that follow only with the lock. sweep() removes what is half-made, except what is on its
  // way in for a generation in `keep`, and returns the names.
  std::vector<std::string> sweep(const std::set<std::string>& keep = {}) const;
  common::Folder incoming_if_there(const std::string& name) const;
  // Where a generation is made; may be there already.
  common::Folder make_incoming(const std::string& name) const;
  void discard_incoming(const std::string& name) const;
  // Gives what was made there its manifest, the next number and the time, and its name.
  void publish(const std::string& name, boost::json::object manifest, const std::string& pin) const;
  // The same for a manifest that has its number and time. One of the same name is replaced.
  void adopt(const std::string& name, const boost::json::object& manifest,
             const std::string& pin) const;
  void set_pin(const Generation& generation, const std::string& pin) const;
  void remove(const std::string& name) const;

 private:
  Generation read(const std::string& name) const;
  common::Folder root_;
};

// A name for a generation that begins now: "20261124T020000Z-7f3a".
std::string new_name();
// A plain file name: no slash, no leading dot, none of the store's own. Throws
// Error{FBX_ARGUMENT}.
void require_plain(const std::string& file);

// The files that a manifest names. Throws Error{FBX_ARGUMENT} where they are not as store.h says.
std::vector<StoredFile> files_of(const boost::json::object& manifest);

}  // namespace fbx::store
