// SPDX-License-Identifier: Apache-2.0
// A table as ClickHouse tells it, and the statements that make it again.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fbx::snapshot {

struct Table {
  std::string database;
  std::string name;
  std::string engine;
  std::string create;  // the statement that makes it
  std::string uuid;    // empty where the database gives none
  std::vector<std::string> paths;
  std::int64_t rows = 0;  // in parts; those that a DELETE only hides count as well
  std::string folder;     // in a capture, of its parts: "data/db/table", "store/abc/<uuid>"

  std::string full_name() const { return database + "." + name; }
  bool has_parts() const;  // of the MergeTree family
  bool is_view() const;
  bool is_inner() const;    // made by its materialized view
  bool keeps_data() const;  // in a form that cannot be frozen
};

// A row: database, name, engine, create_table_query, table_uuid, table_path (one, or a list).
Table parse_table(const boost::json::object& row);

// Where the parts of a table lie: the server's root, and the folder below it. Throws
// Error{FBX_UNSUPPORTED} for a table on several disks, or in an object store.
struct Place {
  std::string root;
  std::string folder;
};
Place place_of(const Table& table);

std::string identifier(std::string_view name);  // `name`
std::string literal(std::string_view text);     // 'text'

// The statement that makes the table, in `database`. By ATTACH it is put back as it was made once,
// without the checks that a new one has to pass; a database of the engine Atomic then wants a UUID.
// Throws Error{FBX_FAILED} when the statement is none that makes a table or a view.
std::string create_in(std::string_view database, const Table& table);
std::string attach_in(std::string_view database, const Table& table, std::string_view uuid);

// Tables, then views, each after those that it names.
std::vector<Table> in_order_of_creation(std::vector<Table> tables);
// Databases, tables, then views, to be made by hand.
std::string schema_sql(const std::vector<Table>& tables);

// Everything but the paths and rows, to be kept.
boost::json::array tables_json(const std::vector<Table>& tables);
// Throws Error{FBX_FAILED} for what tables_json() did not write.
std::vector<Table> tables_from(std::string_view text);

}  // namespace fbx::snapshot
