// SPDX-License-Identifier: Apache-2.0
// Counts the rows of each table in the SQL that pg_restore writes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace fbx::snapshot {

// Fed with pieces of any size.
class CopyCounter {
 public:
  void add(std::string_view piece);

  // By the name as SQL writes it: public.users, "My Schema"."T". 0 for one that has no data.
  std::int64_t rows(const std::string& table) const;
  std::int64_t total() const;
  std::size_t tables() const { return rows_.size(); }

 private:
  void take_line(std::string_view line);
  std::map<std::string, std::int64_t> rows_;
  std::int64_t* current_ = nullptr;  // within COPY data
  std::string rest_;                 // a line that has not ended
};

}  // namespace fbx::snapshot
