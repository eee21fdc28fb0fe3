// SPDX-License-Identifier: Apache-2.0
// What a Redis server finds its data by when it starts, and the files that make it find an RDB
// file.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/beside.hpp"
#include "common/tar_writer.hpp"

namespace fbx::snapshot {

struct DataFolder {
  std::string version;  // of the server
  bool append_only = false;
  std::string rdb_name;    // dbfilename
  std::string aof_folder;  // appenddirname
  std::string aof_name;    // appendfilename
  common::TarOwner owner;  // of the folder
  unsigned mode = 0755;

  // A redis-cli beside the server, reading commands from its standard input.
  using Redis = std::function<common::Program(const std::string& commands)>;
  // Asks a running server. Throws Error.
  static DataFolder ask(const Op& op, const Redis& redis);

  // As it is kept in a generation, for when the server cannot be asked.
  boost::json::object facts() const;
  static std::optional<DataFolder> from_facts(const boost::json::object& facts);

  // Throws Error{FBX_UNSUPPORTED} for a server that cannot be made to load an RDB file.
  void require_restorable() const;

  // Writes the folder as a tar stream, with the RDB file of `size` bytes that `content` hands to
  // its argument. It is both the file that a server without an append-only log loads, and the base
  // of a log (Redis 7 and newer): one file with two names.
  void write_tar(
      const std::function<void(std::string_view)>& push, std::uint64_t size,
      const std::function<void(const std::function<void(std::string_view)>&)>& content) const;
};

}  // namespace fbx::snapshot
