// SPDX-License-Identifier: Apache-2.0
#include "report/table.hpp"

#include "util/text.hpp"

#include <algorithm>

namespace fusebox::report {

namespace {

std::size_t cell_width(const std::string& cell) {
  return util::display_width(cell.find('\x1b') == std::string::npos ? cell
                                                                    : util::sanitize_line(cell));
}

}  // namespace

Table& Table::align(std::size_t column, Align align) {
  std::erase(right_, column);
  if (align == Align::right) right_.push_back(column);
  return *this;
}

std::string Table::str() const {
  std::vector<std::size_t> widths;
  const auto measure = [&](const std::vector<std::string>& row) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], cell_width(row[i]));
  };
  measure(heading_);
  for (const auto& row : rows_) measure(row);

  std::string text;
  const auto print = [&](const std::vector<std::string>& row) {
    const std::size_t line = text.size();
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - cell_width(row[i]), ' ');
      const bool right = std::find(right_.begin(), right_.end(), i) != right_.end();
      if (i > 0) text += "  ";
      text += right ? padding + row[i] : row[i] + padding;
    }
    while (text.size() > line && text.back() == ' ') text.pop_back();
    text += '\n';
  };
  const bool headed = std::any_of(heading_.begin(), heading_.end(),
                                  [](const std::string& cell) { return !cell.empty(); });
  if (headed) print(heading_);
  for (const auto& row : rows_) print(row);
  return text;
}

}  // namespace fusebox::report
