// SPDX-License-Identifier: Apache-2.0
// The databases of a restore: made beside the live one, renamed, dropped. Each function is one
// script of one session, which waits for what an earlier one, left behind by a crash, still does.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "psql.hpp"

namespace fbx::snapshot {

// What a tag calls the databases of a restore. A name says what state its database is in, so that
// every state can be told after a crash at any moment.
struct Names {
  Names(std::string database, std::string_view tag);
  std::string live;
  std::string partial;  // being filled, or being dropped: worth nothing
  std::string staged;   // whole
  std::string old;      // whole, while the staged one is live
  std::string dropped;  // the old one, of which a part may be gone
};

class Databases {
 public:
  Databases(const Op& op, const Psql& psql) : op_(&op), psql_(&psql) {}

  // Which of them there are.
  std::set<std::string> existing(const Names& names) const;

  // An empty one, with the encoding, locale, tablespace and owner of `like`.
  void create(const std::string& name, const std::string& like) const;
  // Gives `from` the settings, privileges, comment and connection limit of `like`, which are in no
  // dump, and renames it.
  void finish(const std::string& from, const std::string& to, const std::string& like) const;

  using Renames = std::vector<std::pair<std::string, std::string>>;
  // All of them or none, in this order. Ends the sessions in these databases.
  void rename(const Renames& renames) const;
  // Ends the sessions in it. What was interrupted can be repeated.
  void drop(const std::string& name) const;

  struct Place {
    std::string missing_roles;  // of those asked for, as SQL writes them
    std::string data_folder;    // empty: this role may not know
  };
  // What a restore should know about the server. `roles` is a JSON array of names.
  Place look(const std::string& roles) const;

 private:
  std::vector<Fields> run(const std::string& sql, std::string_view doing) const;
  const Op* op_;
  const Psql* psql_;
};

}  // namespace fbx::snapshot
