// SPDX-License-Identifier: Apache-2.0
#include "engine/chunks.hpp"

#include <algorithm>
#include <cstring>

namespace fusebox::scan {

namespace {

constexpr std::size_t kChunk = 100'000;
constexpr std::size_t kMost = 25'000;  // more, to find a better place

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Whether it ends with two line feeds and nothing but space between.
bool ends_paragraph(std::string_view text) {
  int feeds = 0;
  for (auto at = text.rbegin(); at != text.rend() && is_space(*at); ++at)
    if (*at == '\n' && ++feeds == 2) return true;
  return false;
}

std::int64_t count_feeds(std::string_view text) {
  std::int64_t count = 0;
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1))
    ++count;
  return count;
}

}  // namespace

void Chunks::extend() {
  if (ends_paragraph(chunk_)) return;
  const std::size_t limit = chunk_.size() + kMost;
  int feeds = chunk_.back() == '\n' ? 1 : 0;
  while (feeds < 2 && chunk_.size() < limit) {
    if (begin_ == end_) {
      begin_ = 0;
      end_ = read_(ahead_.data(), ahead_.size());
      if (end_ == 0) return;
    }
    const std::size_t last = std::min(end_, begin_ + limit - chunk_.size());
    std::size_t at = begin_;
    while (at < last && feeds < 2) {
      const char c = ahead_[at++];
      if (c == '\n') {
        ++feeds;
      } else if (!is_space(c)) {
        feeds = 0;
      }
    }
    chunk_.append(ahead_.data() + begin_, at - begin_);
    begin_ = at;
  }
}

std::string_view Chunks::next(std::size_t& head) {
  if (begin_ < end_) {
    chunk_.assign(ahead_.data() + begin_, end_ - begin_);
    begin_ = end_;
  } else {
    chunk_.resize(kChunk);
    chunk_.resize(read_(chunk_.data(), kChunk));
  }
  head = chunk_.size();
  if (!chunk_.empty()) extend();
  return chunk_;
}

void for_each_chunk(ReadFull read, const Fragment& like, const OnFragment& take) {
  Chunks chunks(std::move(read));
  Fragment fragment = like;
  std::int64_t lines = 0;
  std::size_t head = 0;
  for (std::string_view chunk = chunks.next(head); !chunk.empty(); chunk = chunks.next(head)) {
    if (lines == 0 && is_binary(chunk.substr(0, head))) return;
    fragment.raw = chunk;
    fragment.start_line = lines + 1;
    lines += count_feeds(chunk);
    take(fragment);
  }
}

}  // namespace fusebox::scan
