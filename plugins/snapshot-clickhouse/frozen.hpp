// SPDX-License-Identifier: Apache-2.0
// What is in a capture of ClickHouse: a tar of schema.sql, tables.json, and the parts that were
// frozen of each table.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <fusebox/plugin.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "table.hpp"

namespace fbx::snapshot {

// Rows by part, from paths like "data/db/table/202611_1_1_0/count.txt".
class Parts {
 public:
  // Any entry of the capture; the content matters for a part's count.txt alone.
  void add(const std::string& path, const std::string& content);

  // "database.table" -> rows, of every table that has parts in this capture or could have.
  std::map<std::string, std::int64_t> rows(const std::vector<Table>& tables) const;
  // The parts of a table by name, with their rows.
  std::map<std::string, std::int64_t> of(const Table& table) const;
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

struct Frozen {
  std::vector<Table> tables;
  Parts parts;
};

// Reads a capture to its end; `tee` gets every byte. Throws Error{FBX_FAILED} when it cannot be
// restored: it is cut off, a part is not whole, or rows are not as many as `counts` says.
Frozen read_capture(const Op& op, int fd, const boost::json::object* counts,
                    const std::function<void(std::string_view)>& tee = {});

}  // namespace fbx::snapshot
