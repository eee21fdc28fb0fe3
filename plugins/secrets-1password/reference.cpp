// SPDX-License-Identifier: Apache-2.0
#include "reference.hpp"

#include <stdexcept>

namespace secrets_1password {

namespace {

constexpr std::string_view scheme = "op://";

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_one_of(text.front(), " \t")) text.remove_prefix(1);
  while (!text.empty() && is_one_of(text.back(), " \t")) text.remove_suffix(1);
  return text;
}

// Whether every character of a path may be in a reference, in braces or alone on its line.
bool is_path(std::string_view path) {
  for (const char c : path)
    if (!is_alphanumeric(c) && !is_one_of(c, "-_./ ")) return false;
  return true;
}

bool is_query(std::string_view query) {
  for (const char c : query)
    if (!is_alphanumeric(c) && !is_one_of(c, "-_=&")) return false;
  return true;
}

bool could_be_reference(std::string_view text) {
  if (!text.starts_with(scheme)) return false;
  const std::string_view rest = text.substr(scheme.size());
  const std::size_t mark = rest.find('?');
  return is_path(rest.substr(0, mark)) &&
         (mark == std::string_view::npos || is_query(rest.substr(mark + 1)));
}

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t slash = path.find('/');
    parts.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    path.remove_prefix(slash + 1);
  }
}

class Splitter {
 public:
  explicit Splitter(std::string_view value) : value_(value) {}

  Pieces split() {
    while (at_ < value_.size()) {
      const std::string_view rest = value_.substr(at_);
      if (rest.starts_with("{{")) {
        enclosed(rest);
      } else if (rest.starts_with(scheme) && may_begin_here()) {
        bare(rest);
      } else {
        literal_ += rest.front();
        ++at_;
      }
    }
    flush();
    return std::move(pieces_);
  }

 private:
  bool may_begin_here() const {
    return at_ == 0 || !(is_alphanumeric(value_[at_ - 1]) || is_one_of(value_[at_ - 1], "-+\\."));
  }

  void enclosed(std::string_view rest) {
    const std::size_t end = rest.find("}}");
    if (end == std::string_view::npos) throw std::invalid_argument("{{ is never closed by }}");
    const std::string_view inner = trimmed(rest.substr(2, end - 2));
    if (inner.size() >= 2 && inner.front() == '"' && inner.back() == '"') {
      quoted(inner.substr(1, inner.size() - 2));
    } else if (inner.starts_with(scheme)) {
      add(inner);
    } else {
      throw std::invalid_argument("between {{ and }} there must be a reference or a quoted text");
    }
    at_ += end + 2;
  }

  void quoted(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '"') ++i;
      literal_ += text[i];
    }
  }

  void bare(std::string_view rest) {
    std::size_t end = scheme.size();
    while (end < rest.size() && (is_alphanumeric(rest[end]) || is_one_of(rest[end], "-?_./")))
      ++end;
    add(rest.substr(0, end));
    at_ += end;
  }

  void add(std::string_view text) {
    flush();
    pieces_.push_back({true, {}, parse_reference(text)});
  }

  void flush() {
    if (literal_.empty()) return;
    pieces_.push_back({false, std::move(literal_), {}});
    literal_.clear();
  }

  std::string_view value_;
  std::size_t at_ = 0;
  std::string literal_;
  Pieces pieces_;
};

}  // namespace

Reference parse_reference(std::string_view text) {
  const std::string quoted = "\"" + std::string(text) + "\"";
  if (!could_be_reference(text))
    throw std::invalid_argument(
        quoted +
        " holds a character that no reference can hold (letters, digits, - _ . and space "
        "can be): use the ID of that vault, item or field instead of its name");
  const std::string_view path = text.substr(scheme.size());
  std::vector<std::string> parts = split_path(path.substr(0, path.find('?')));
  if (parts.size() < 3 || parts.size() > 4)
    throw std::invalid_argument(quoted + " needs a vault, an item and a field: " +
                                "op://vault/item/field or op://vault/item/section/field");
  for (const std::string& part : parts)
    if (trimmed(part).empty())
      throw std::invalid_argument(quoted + " has an empty part between two slashes");
  return {std::string(text), parts[0], parts[1], parts.back()};
}

Pieces split_value(std::string_view value) {
  const std::string_view whole = trimmed(value);
  if (could_be_reference(whole)) return {{true, {}, parse_reference(whole)}};
  return Splitter(value).split();
}

}  // namespace secrets_1password
