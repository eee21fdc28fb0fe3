// SPDX-License-Identifier: Apache-2.0
#include "config/toml_guard.hpp"

#include <algorithm>
#include <vector>

namespace fusebox::config {
namespace {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::optional<Place> run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        skip_string(c);
      } else if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else {
        if (step(c)) return place();
        ++at_;
      }
    }
    return std::nullopt;
  }

 private:
  // True when `c` makes it too deep.
  bool step(char c) {
    switch (c) {
      case '.':
        ++dots_;
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
        if (!outer_.empty()) {
          dots_ = outer_.back();
          held_ -= dots_;
          outer_.pop_back();
        }
        break;
      case ',':
        dots_ = 0;
        break;
      // Within brackets a line's end means nothing.
      case '\n':
        if (outer_.empty()) dots_ = 0;
        break;
      default:
        break;
    }
    return held_ + dots_ + outer_.size() > deepest;
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

  Place place() const {
    const std::string_view before = text_.substr(0, at_);
    const std::size_t start = before.rfind('\n');
    const std::size_t column = start == std::string_view::npos ? at_ : at_ - start - 1;
    return {static_cast<std::uint32_t>(1 + std::ranges::count(before, '\n')),
            static_cast<std::uint32_t>(1 + column)};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t dots_ = 0;            // in the key or value that is being read
  std::size_t held_ = 0;            // the sum of `outer_`
  std::vector<std::size_t> outer_;  // dots before each bracket that is open
};

}  // namespace

std::optional<Place> too_deep(std::string_view text) { return Scanner(text).run(); }

}  // namespace fusebox::config
