// SPDX-License-Identifier: Apache-2.0
// What a terminal shows after a program wrote to it: the few sequences that we use, and a loud
// refusal of others.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::test {

class Screen {
 public:
  explicit Screen(std::size_t width, std::size_t height = 24) : width_(width), height_(height) {}

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      if (bytes.front() == '\x1b') {
        bytes.remove_prefix(escape(bytes));
        continue;
      }
      const std::size_t size = character_size(bytes);
      if (bytes.front() == '\n') {
        ++row_;
        column_ = 0;
      } else if (bytes.front() == '\r') {
        column_ = 0;
      } else {
        put(std::string(bytes.substr(0, size)));
      }
      bytes.remove_prefix(size);
    }
  }

  // All lines from the first, also those that scrolled away; without spaces at their ends.
  std::string text() const {
    std::string all;
    for (const auto& line : lines_) {
      std::string one;
      for (const std::string& cell : line) one += cell.empty() ? " " : cell;
      one.erase(one.find_last_not_of(' ') + 1);
      all += one + "\n";
    }
    all.erase(all.find_last_not_of('\n') + 1);
    return all + "\n";
  }
  bool cursor_visible() const { return visible_; }
  std::size_t column() const { return column_; }

 private:
  static std::size_t character_size(std::string_view bytes) {
    std::size_t size = 1;
    while (size < bytes.size() && (static_cast<unsigned char>(bytes[size]) & 0xC0U) == 0x80U)
      ++size;
    return size;
  }

  void put(std::string character) {
    if (column_ == width_) {
      ++row_;
      column_ = 0;
    }
    if (lines_.size() <= row_) lines_.resize(row_ + 1);
    if (lines_[row_].size() <= column_) lines_[row_].resize(column_ + 1);
    lines_[row_][column_++] = std::move(character);
  }

  std::size_t escape(std::string_view bytes) {
    const std::size_t end = bytes.find_first_of("ABCDHJKmhl", 2);
    if (end == std::string_view::npos) throw std::runtime_error("an unfinished escape sequence");
    const std::string_view sequence = bytes.substr(2, end - 2);
    if (bytes[end] == 'A') {
      const std::size_t up = std::stoul(std::string(sequence));
      if (up > height_) throw std::runtime_error("the cursor moved out of the screen");
      row_ -= std::min(up, row_);
    } else if (bytes[end] == 'J') {
      if (lines_.size() > row_) {
        lines_.resize(row_ + 1);
        if (lines_[row_].size() > column_) lines_[row_].resize(column_);
      }
    } else if (sequence == "?25") {
      visible_ = bytes[end] == 'h';
    } else if (bytes[end] != 'm') {
      throw std::runtime_error("an unexpected escape sequence");
    }
    return end + 1;
  }

  std::size_t width_;
  std::size_t height_;
  std::vector<std::vector<std::string>> lines_;
  std::size_t row_ = 0;
  std::size_t column_ = 0;
  bool visible_ = true;
};

}  // namespace fusebox::test
