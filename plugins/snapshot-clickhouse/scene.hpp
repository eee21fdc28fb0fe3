// SPDX-License-Identifier: Apache-2.0
// What one restore has made on the server, and what is live beside it.
//
// Of the tag T there are the databases fbx_T_new_<name>, with the tables that are staged and not
// live; fbx_T_old_<name>, with those that were live; and fbx_T, whose tables say how far it came:
//   place       stage() is at work, or was killed
//   new_views   all is staged; a record of the capture's views
//   old_views   what is live belongs to the old, and may be in part in fbx_T_old_*; a record of the
//               live views, which are dropped meanwhile
//   arriving    what is live belongs to the new, and may be in part in fbx_T_new_*
//   live        the new is live, whole
//   settling    the old is being removed: there is no way back
// A record is a view on a constant, and a sign an empty table: both are in the server's metadata
// alone, which it brings to disk before it answers.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "server.hpp"
#include "table.hpp"

namespace fbx::snapshot {

namespace sign {
inline constexpr std::string_view place = "place";
inline constexpr std::string_view new_views = "new_views";
inline constexpr std::string_view old_views = "old_views";
inline constexpr std::string_view arriving = "arriving";
inline constexpr std::string_view live = "live";
inline constexpr std::string_view settling = "settling";
}  // namespace sign

// The names of what a restore makes.
class Tag {
 public:
  // Throws Error{FBX_ARGUMENT} for what is no tag.
  explicit Tag(std::string text);

  const std::string& text() const { return text_; }
  std::string control() const { return std::string(kOwnPrefix) + text_; }
  std::string new_of(std::string_view database) const {
    return new_prefix() + std::string(database);
  }
  std::string old_of(std::string_view database) const {
    return old_prefix() + std::string(database);
  }
  std::string new_prefix() const { return control() + "_new_"; }
  std::string old_prefix() const { return control() + "_old_"; }

 private:
  std::string text_;
};

struct Scene : Contents {  // the live databases and the tag's
  const Table* find(std::string_view database, std::string_view name) const;
  std::vector<const Table*> in(std::string_view database) const;
  // The live names of the databases with this prefix.
  std::set<std::string> behind(const std::string& prefix) const;
};

Scene look(const Server& server, const Tag& tag);

// The folder in which stage() unpacks a capture, on the disk of the tables.
std::string unpacked(const Table& place, const Tag& tag);

// A record of views, to be made and to be read.
std::string record_statement(const Tag& tag, std::string_view sign,
                             const std::vector<Table>& views);
std::vector<Table> read_record(const Server& server, const Tag& tag, std::string_view sign);
std::string sign_statement(const Tag& tag, std::string_view sign);
std::string unsign_statement(const Tag& tag, std::string_view sign);

// Throws Error{FBX_UNSUPPORTED} when what is live cannot be put aside and brought back exactly.
void check_live(const Server& server, const Scene& scene);
// Likewise when what was captured cannot be made beside it.
void check_captured(const Server& server, const std::vector<Table>& tables);

}  // namespace fbx::snapshot
