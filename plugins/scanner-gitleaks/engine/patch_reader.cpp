// SPDX-License-Identifier: Apache-2.0
#include "engine/patch_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace fusebox::scan {

namespace {

constexpr std::string_view kFile = "diff --git ";
constexpr std::string_view kHunk = "@@ -";
constexpr std::string_view kCommit = "commit";
constexpr std::size_t kLongestHeader = std::size_t{1} << 20U;  // of what is no added line

std::string_view without_feed(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  return line;
}

bool is_mark(std::string_view line) { return line.size() >= 12 && line.starts_with("\\ "); }

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

struct LineRange {
  std::int64_t start = 0;
  std::int64_t count = 1;
};

std::optional<LineRange> range(std::string_view text) {
  const std::size_t comma = text.find(',');
  const auto start = number(text.substr(0, comma));
  const auto count = comma == std::string_view::npos ? std::optional<std::int64_t>(1)
                                                     : number(text.substr(comma + 1));
  if (!start || !count || *count < 0) return std::nullopt;
  return LineRange{*start, *count};
}

// A name in git's quotes, from its first character on; `end` is behind the closing quote.
std::optional<std::string> unquoted(std::string_view text, std::size_t& end) {
  std::string name;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      end = i + 1;
      return name;
    }
    if (text[i] != '\\') {
      name.push_back(text[i]);
      continue;
    }
    constexpr std::string_view letters = "abtnvfr\"\\";
    constexpr std::string_view bytes = "\a\b\t\n\v\f\r\"\\";
    if (++i >= text.size()) break;
    if (const std::size_t at = letters.find(text[i]); at != std::string_view::npos) {
      name.push_back(bytes[at]);
      continue;
    }
    unsigned value = 0;
    const auto octal = text.substr(i, 3);
    const auto result = std::from_chars(octal.data(), octal.data() + octal.size(), value, 8);
    if (result.ptr != octal.data() + 3 || value > 0xFFU) return std::nullopt;
    name.push_back(static_cast<char>(value));
    i += 2;
  }
  return std::nullopt;
}

// Without "a/" or "b/", and without doubled slashes.
std::string cleaned(std::string_view name, int drop) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '/') {
      if (i + 1 < name.size() && name[i + 1] == '/') continue;
      if (drop > 0) {
        --drop;
        out.clear();
        continue;
      }
    }
    out.push_back(name[i]);
  }
  return out;
}

std::string file_name(std::string_view text, int drop, bool ends_at_tab) {
  std::size_t end = 0;
  if (text.starts_with('"')) return cleaned(unquoted(text, end).value_or(""), drop);
  if (ends_at_tab) text = text.substr(0, text.find('\t'));
  return text == "/dev/null" ? std::string(text) : cleaned(text, drop);
}

std::string_view without_prefix(std::string_view name) {
  const std::size_t slash = name.find('/');
  return slash == std::string_view::npos ? std::string_view() : name.substr(slash + 1);
}

// Of "a/name b/name": the name, where both are the same.
std::string common_name(std::string_view names) {
  if (names.starts_with('"')) {
    std::size_t end = 0;
    const auto name = unquoted(names, end);
    return name ? std::string(without_prefix(*name)) : "";
  }
  if (const std::size_t quote = names.find('"'); quote != std::string_view::npos) {
    std::size_t end = 0;
    const auto name = unquoted(names.substr(quote), end);
    return name ? std::string(without_prefix(*name)) : "";
  }
  for (std::size_t space = names.find(' '); space != std::string_view::npos;
       space = names.find(' ', space + 1)) {
    const auto first = without_prefix(names.substr(0, space));
    if (!first.empty() && first == without_prefix(names.substr(space + 1)))
      return std::string(first);
  }
  return "";
}

}  // namespace

PatchReader::PatchReader(PatchSink sink, std::size_t largest)
    : sink_(std::move(sink)), largest_(largest) {
  // What has no commit, as a staged change, has the beginning of Go's time.
  auto none = std::make_shared<CommitInfo>();
  none->date = "0001-01-01T00:00:00Z";
  commit_ = std::move(none);
}

void PatchReader::add(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t feed = bytes.find('\n');
    const bool is_whole = feed != std::string_view::npos;
    std::string_view piece = bytes.substr(0, is_whole ? feed + 1 : feed);
    bytes.remove_prefix(piece.size());
    if (!is_whole || !held_.empty()) {
      held_ += piece;
      piece = held_;
      if (!is_whole && piece.size() < largest_) continue;
    }
    if (in_line_) {
      more_of_line(piece);
    } else {
      line(piece);
    }
    in_line_ = !is_whole;
    held_.clear();
  }
}

void PatchReader::finish() {
  if (!held_.empty()) add("\n");
  if (room_ == Room::hunk && (old_left_ > 0 || new_left_ > 0)) fail("the patch ends within a hunk");
  end_hunk();
}

// A line that is too long to hold comes in pieces.
void PatchReader::more_of_line(std::string_view piece) {
  if (room_ == Room::hunk && last_op_ == '+') take_line(piece);
}

void PatchReader::line(std::string_view text) {
  if (room_ == Room::hunk && (old_left_ > 0 || new_left_ > 0)) return hunk_line(text);
  if (has_hunk_ && is_mark(text)) {
    if (last_op_ == '+' && added_.ends_with('\n')) added_.pop_back();
    return end_hunk();
  }
  end_hunk();
  if (text.starts_with(kFile)) return begin_file(without_feed(text.substr(kFile.size())));
  if (has_file_ && text.starts_with(kHunk)) {
    if (!begin_hunk(without_feed(text))) fail("a hunk's header is malformed");
    return;
  }
  if (room_ == Room::header) return header_line(without_feed(text));
  text_line(text);
}

void PatchReader::text_line(std::string_view text) {
  room_ = Room::text;
  has_file_ = false;
  if (text.starts_with(kCommit)) preamble_.clear();
  if (preamble_.size() + text.size() <= kLongestHeader) preamble_ += text;
}

void PatchReader::begin_file(std::string_view names) {
  read_commit();
  room_ = Room::header;
  has_file_ = true;
  is_deleted_ = false;
  file_ = common_name(names);
}

void PatchReader::header_line(std::string_view text) {
  const auto after = [&](std::string_view prefix) { return text.substr(prefix.size()); };
  if (text.starts_with("+++ ")) {
    const std::string name = file_name(after("+++ "), 1, true);
    if (name == "/dev/null") {
      is_deleted_ = true;
    } else {
      file_ = name;
    }
    return;
  }
  if (text.starts_with("deleted file mode ")) is_deleted_ = true;
  for (const std::string_view prefix : {"rename to ", "copy to "})
    if (text.starts_with(prefix)) file_ = file_name(after(prefix), 0, false);
  if (text.starts_with("Binary files ") || text.starts_with("GIT binary patch")) {
    if (!is_deleted_) sink_.binary(file_, commit_);
    has_file_ = false;
    room_ = Room::text;
    return;
  }
  for (const std::string_view prefix :
       {"--- ", "old mode ", "new mode ", "deleted file mode ", "new file mode ", "copy from ",
        "copy to ", "rename from ", "rename to ", "similarity index ", "dissimilarity index ",
        "index "})
    if (text.starts_with(prefix)) return;
  text_line(std::string(text) + "\n");
}

bool PatchReader::begin_hunk(std::string_view text) {
  const std::size_t end = text.find(" @@");
  if (end == std::string_view::npos) return false;
  const std::string_view ranges = text.substr(kHunk.size(), end - kHunk.size());
  const std::size_t plus = ranges.find(" +");
  if (plus == std::string_view::npos) return false;
  const auto before = range(ranges.substr(0, plus));
  const auto after = range(ranges.substr(plus + 2));
  if (!before || !after) return false;
  room_ = Room::hunk;
  old_left_ = before->count;
  new_left_ = after->count;
  start_line_ = after->start;
  last_op_ = 0;
  has_hunk_ = true;
  return true;
}

void PatchReader::hunk_line(std::string_view text) {
  switch (text[0]) {
    case '\n':
    case ' ':
      --old_left_;
      --new_left_;
      break;
    case '-':
      --old_left_;
      break;
    case '+':
      --new_left_;
      last_op_ = '+';
      return take_line(text.substr(1));
    case '\\':
      if (!is_mark(text)) return fail("a hunk has a line of no kind");
      if (last_op_ == '+' && added_.ends_with('\n')) added_.pop_back();
      return;
    default:
      fail("a hunk has a line of no kind");
      return line(text);
  }
  last_op_ = text[0];
}

void PatchReader::take_line(std::string_view text) {
  added_ += text;
  if (added_.size() >= largest_) give_part();
}

void PatchReader::give_part() {
  if (!is_deleted_) {
    Fragment fragment;
    fragment.raw = added_;
    fragment.path = file_;
    fragment.start_line = start_line_;
    fragment.commit = commit_;
    sink_.take(fragment);
  }
  start_line_ += std::count(added_.begin(), added_.end(), '\n');
  added_.clear();
}

void PatchReader::end_hunk() {
  if (!has_hunk_) return;
  has_hunk_ = false;
  give_part();
}

void PatchReader::read_commit() {
  if (preamble_.find(kCommit) != std::string::npos) commit_ = parse_commit_header(preamble_);
  preamble_.clear();
}

void PatchReader::fail(std::string why) {
  sink_.broken(commit_ == nullptr || commit_->sha.empty()
                   ? file_
                   : fmt::format("{}:{}", commit_->sha, file_),
               why);
  end_hunk();
  room_ = Room::text;
  has_file_ = false;
}

}  // namespace fusebox::scan
