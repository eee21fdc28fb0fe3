// SPDX-License-Identifier: Apache-2.0
#include "copy_counter.hpp"

namespace fbx::snapshot {

namespace {

constexpr std::string_view kCopy = "COPY ";
constexpr std::string_view kFrom = " FROM stdin;";
constexpr std::size_t kMaxHead = 1U << 20U;  // what is longer is data

// "public.users (id, name)" -> "public.users"; the name may be quoted and hold anything.
std::string table_of(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (text[i] == ' ' && !quoted) return std::string(text.substr(0, i));
  }
  return std::string(text);
}

}  // namespace

void CopyCounter::add(std::string_view piece) {
  while (!piece.empty()) {
    const std::size_t end = piece.find('\n');
    if (end == std::string_view::npos) {
      // Only the beginning of a long row matters, so that memory stays bounded.
      rest_.append(piece.substr(0, kMaxHead - std::min(kMaxHead, rest_.size())));
      return;
    }
    if (rest_.empty()) {
      take_line(piece.substr(0, end));
    } else {
      rest_.append(piece.substr(0, end));
      take_line(rest_);
      rest_.clear();
    }
    piece.remove_prefix(end + 1);
  }
}

void CopyCounter::take_line(std::string_view line) {
  if (current_ != nullptr) {
    if (line == "\\.")
      current_ = nullptr;
    else
      ++*current_;
  } else if (line.starts_with(kCopy) && line.ends_with(kFrom)) {
    line.remove_prefix(kCopy.size());
    line.remove_suffix(kFrom.size());
    current_ = &rows_[table_of(line)];
  }
}

std::int64_t CopyCounter::rows(const std::string& table) const {
  const auto found = rows_.find(table);
  return found == rows_.end() ? 0 : found->second;
}

std::int64_t CopyCounter::total() const {
  std::int64_t sum = 0;
  for (const auto& [table, count] : rows_) sum += count;
  return sum;
}

}  // namespace fbx::snapshot
