// SPDX-License-Identifier: Apache-2.0
// Aligned columns.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace fusebox::report {

enum class Align { left, right };

// Columns are as wide as their widest cell, in columns of a terminal; colours in a cell have no
// width. Two spaces stand between, nothing after the last.
class Table {
 public:
  explicit Table(std::vector<std::string> heading) : heading_(std::move(heading)) {}

  Table& align(std::size_t column, Align align);
  // Missing cells are empty.
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }

  // All lines, each with a newline. A heading of empty cells alone is left out.
  std::string str() const;

 private:
  std::vector<std::string> heading_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> right_;
};

}  // namespace fusebox::report
