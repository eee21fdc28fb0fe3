// SPDX-License-Identifier: Apache-2.0
// What is in a capture of ClickHouse: its tables, and the parts that were frozen of each.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fbx::snapshot {

struct Table {
  std::string database;
  std::string name;
  std::string engine;
  std::string create;  // the statement that makes it
  std::string folder;  // of its parts, from the server's root: "data/db/table", "store/abc/<uuid>"
  std::string root;    // the server's root

  std::string full_name() const { return database + "." + name; }
  bool has_parts() const;  // of the MergeTree family
  bool is_view() const;
  bool is_inner() const;    // made by its materialized view
  bool keeps_data() const;  // in a form that cannot be frozen
};

// One line of JSONEachRow: database, name, engine, create_table_query, paths. Throws Error{FBX_IO}
// for what is none.
Table parse_table(std::string_view line);

// Databases, tables, then views: in an order in which they can be made.
std::string schema_sql(const std::vector<Table>& tables);

std::string identifier(std::string_view name);  // `name`

// Rows by part, from paths like "data/db/table/202611_1_1_0/count.txt".
class Parts {
 public:
  // Any entry of the capture; the content matters for a part's count.txt alone.
  void add(const std::string& path, const std::string& content);

  // "database.table" -> rows, of every table that has parts in this capture or could have.
  std::map<std::string, std::int64_t> rows(const std::vector<Table>& tables) const;
  // A part that lacks what ClickHouse needs to attach it; empty: none.
  std::string incomplete() const;
  std::size_t size() const { return parts_.size(); }

 private:
  struct Part {
    bool has_count = false;
    bool has_checksums = false;
    bool has_columns = false;
    std::int64_t rows = 0;
  };
  std::map<std::string, Part> parts_;
};

}  // namespace fbx::snapshot
