// SPDX-License-Identifier: Apache-2.0
#include "config/toml_guard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace fusebox::config {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
constexpr std::string_view may_follow_bracket =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-\"']";

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {
    if (text.starts_with(byte_order_mark)) at_ = byte_order_mark.size();
  }

  std::optional<Refusal> run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        line_start_ = false;
        skip_string(c);
        continue;
      }
      if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
        continue;
      }
      if (c == '[' && line_start_ && !header_has_name()) {
        return refusal("expected a table's name after the bracket", "write [name]");
      }
      count(c);
      if (held_ + dots_ + outer_.size() > deepest) {
        return refusal(fmt::format("nested deeper than {} levels", deepest), "");
      }
      if (c != ' ' && c != '\t') line_start_ = c == '\n' && outer_.empty();
      ++at_;
    }
    return std::nullopt;
  }

 private:
  void count(char c) {
    switch (c) {
      case '.':
        ++dots_;
        break;
      case ',':
        dots_ = 0;
        break;
      case '[':
      case '{':
        outer_.push_back(dots_);
        held_ += dots_;
        dots_ = 0;
        break;
      case ']':
      case '}':
        dots_ = 0;
        if (outer_.empty()) break;
        dots_ = outer_.back();
        held_ -= dots_;
        outer_.pop_back();
        break;
      case '\n':
        // Within brackets a line's end means nothing.
        if (outer_.empty()) dots_ = 0;
        break;
      default:
        break;
    }
  }

  bool header_has_name() const {
    std::size_t next = at_ + 1;
    if (next < text_.size() && text_[next] == '[') ++next;
    next = text_.find_first_not_of(" \t", next);
    return next == std::string_view::npos ||
           may_follow_bracket.find(text_[next]) != std::string_view::npos;
  }

  void skip_string(char delimiter) {
    const bool escapes = delimiter == '"';
    const std::string_view three = escapes ? R"(""")" : "'''";
    const bool multi_line = text_.substr(at_, 3) == three;
    const std::size_t width = multi_line ? 3 : 1;
    for (at_ += width; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\' && escapes) {
        ++at_;
      } else if (!multi_line && text_[at_] == '\n') {
        return;
      } else if (text_[at_] == delimiter && (!multi_line || text_.substr(at_, 3) == three)) {
        at_ += width;
        // """a""""" holds two quotes at its end.
        for (int extra = 0; multi_line && extra < 2 && at_ < text_.size(); ++extra) {
          if (text_[at_] == delimiter) ++at_;
        }
        return;
      }
    }
  }

  Refusal refusal(std::string what, std::string hint) const {
    const std::string_view before = text_.substr(0, at_);
    const std::size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
    return {static_cast<std::uint32_t>(1 + std::ranges::count(before, '\n')),
            static_cast<std::uint32_t>(1 + at_ - start), std::move(what), std::move(hint)};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool line_start_ = true;          // of a line outside of brackets, white space aside
  std::size_t dots_ = 0;            // in the key or value that is being read
  std::size_t held_ = 0;            // the sum of `outer_`
  std::vector<std::size_t> outer_;  // dots before each bracket that is open
};

}  // namespace

std::optional<Refusal> refuse_early(std::string_view text) { return Scanner(text).run(); }

}  // namespace fusebox::config
