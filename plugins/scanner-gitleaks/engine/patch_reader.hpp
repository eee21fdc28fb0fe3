// SPDX-License-Identifier: Apache-2.0
// Reads what `git log -p -U0` and `git diff -U0` write: the lines that each hunk adds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "engine/fragment.hpp"

namespace fusebox::scan {

struct PatchSink {
  OnFragment take;
  std::function<void(const std::string& file, const std::shared_ptr<const CommitInfo>&)> binary;
  std::function<void(const std::string& where, const std::string& why)> broken;
};

// The header of a commit, as `git log --date=raw` writes it. Null: it is none.
std::shared_ptr<const CommitInfo> parse_commit_header(std::string_view text);

class PatchReader {
 public:
  // A hunk that adds more than `largest` bytes is given in pieces: memory stays bounded.
  explicit PatchReader(PatchSink sink, std::size_t largest = std::size_t{64} << 20U);

  void add(std::string_view bytes);
  void finish();

 private:
  enum class Room { text, header, hunk };

  void line(std::string_view line);
  void more_of_line(std::string_view piece);
  void text_line(std::string_view line);
  void header_line(std::string_view line);
  void hunk_line(std::string_view line);
  void begin_file(std::string_view names);
  bool begin_hunk(std::string_view line);
  void take_line(std::string_view text);
  void end_hunk();
  void give_part();
  void read_commit();
  void fail(std::string why);

  PatchSink sink_;
  std::size_t largest_;
  std::string held_;  // a line's beginning
  bool in_line_ = false;
  Room room_ = Room::text;
  std::string preamble_;
  std::shared_ptr<const CommitInfo> commit_;
  std::string file_;
  bool is_deleted_ = false;
  bool has_file_ = false;
  std::int64_t old_left_ = 0;
  std::int64_t new_left_ = 0;
  char last_op_ = 0;
  bool has_hunk_ = false;  // one that is not given yet: a mark may still follow it
  std::string added_;
  std::int64_t start_line_ = 0;
};

}  // namespace fusebox::scan
