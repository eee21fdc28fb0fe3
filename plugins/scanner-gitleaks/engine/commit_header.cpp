// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <time.h>

#include <array>
#include <charconv>
#include <optional>

#include "engine/patch_reader.hpp"

namespace fusebox::scan {

namespace {

constexpr std::string_view kSpaces = " \t\r\n\v\f";

std::string_view trimmed_right(std::string_view text) {
  const std::size_t last = text.find_last_not_of(kSpaces);
  return last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
}

std::string_view trimmed(std::string_view text) {
  text = trimmed_right(text);
  return text.substr(std::min(text.find_first_not_of(kSpaces), text.size()));
}

class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  bool next(std::string_view& line) {
    if (rest_.empty()) return false;
    const std::size_t feed = rest_.find('\n');
    line = rest_.substr(0, feed);
    rest_.remove_prefix(feed == std::string_view::npos ? rest_.size() : feed + 1);
    return true;
  }

 private:
  std::string_view rest_;
};

std::string utc(::time_t seconds) {
  ::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

// "1700000000 +0100", or a form that options of the user's may choose. Nothing: none of these.
std::optional<std::string> date(std::string_view text) {
  const std::string word(text.substr(0, text.find(' ')));
  std::int64_t seconds = 0;
  const auto result = std::from_chars(word.data(), word.data() + word.size(), seconds);
  if (result.ec == std::errc() && result.ptr == word.data() + word.size()) return utc(seconds);
  const std::string all(text);
  for (const char* form : {"%Y-%m-%d %H:%M:%S %z", "%Y-%m-%dT%H:%M:%S%z",
                           "%a, %d %b %Y %H:%M:%S %z", "%a %b %d %H:%M:%S %Y %z", "%Y-%m-%d"}) {
    ::tm parts{};
    const char* end = ::strptime(all.c_str(), form, &parts);
    if (end == nullptr || *end != '\0') continue;
    const auto offset = parts.tm_gmtoff;
    return utc(::timegm(&parts) - offset);
  }
  return std::nullopt;
}

bool read_author(std::string_view text, CommitInfo& commit) {
  const std::size_t open = text.find('<');
  if (open == std::string_view::npos) return true;
  const std::size_t close = text.find('>', open);
  if (close == std::string_view::npos) return false;
  commit.author = trimmed(text.substr(0, open));
  commit.email = trimmed(text.substr(open + 1, close - open - 1));
  return true;
}

// The title's lines on one, and the body as it is, both without git's indent.
std::string message(Lines& lines) {
  std::string text;
  std::string_view indent;
  std::string_view line;
  while (lines.next(line)) {
    const std::string_view word = trimmed(line);
    if (word.empty()) break;
    if (text.empty()) {
      indent = line.substr(0, line.find_first_not_of(kSpaces));
    } else {
      text += ' ';
    }
    text += word;
  }
  if (text.empty()) return text;
  std::string body;
  bool has_gap = false;
  while (lines.next(line)) {
    line = trimmed_right(line);
    if (line.starts_with(indent)) line.remove_prefix(indent.size());
    if (line.empty()) {
      has_gap = true;
      continue;
    }
    if (!body.empty()) body += has_gap ? "\n\n" : "\n";
    has_gap = false;
    body += line;
  }
  return body.empty() ? text : text + "\n\n" + body;
}

}  // namespace

std::shared_ptr<const CommitInfo> parse_commit_header(std::string_view text) {
  constexpr std::string_view opening = "commit ";
  Lines lines(text);
  std::string_view line;
  while (lines.next(line) && trimmed(line).empty()) continue;
  line = trimmed(line);
  if (!line.starts_with(opening)) return nullptr;
  auto commit = std::make_shared<CommitInfo>();
  line.remove_prefix(opening.size());
  commit->sha = line.substr(0, line.find(' '));
  commit->date = "0001-01-01T00:00:00Z";
  while (lines.next(line) && !trimmed(line).empty()) {
    const std::size_t colon = std::min(line.find(':'), line.size());
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = line.substr(std::min(colon + 1, line.size()));
    if (name == "Author" && !read_author(value, *commit)) return nullptr;
    if (name == "Date" || name == "AuthorDate") {
      const auto when = date(trimmed(value));
      if (!when) return nullptr;
      commit->date = *when;
    }
  }
  commit->message = message(lines);
  return commit;
}

}  // namespace fusebox::scan
