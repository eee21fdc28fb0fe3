// SPDX-License-Identifier: Apache-2.0
#include "common/dotenv.hpp"

#include "common/interpolate.hpp"

#include <algorithm>
#include <cstdlib>

namespace fbx::common {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_name_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || byte >= 0x80 ||
         std::string_view("_.-[]").find(c) != std::string_view::npos;
}

// The length in bytes of the white space that begins `text`, 0 when there is none. What Unicode
// calls white space, as Compose does.
std::size_t space_length(std::string_view text) {
  constexpr std::string_view single = " \t\v\f\r\n";
  if (text.empty()) return 0;
  if (single.find(text[0]) != std::string_view::npos) return 1;
  if (text.starts_with("\xC2\x85") || text.starts_with("\xC2\xA0")) return 2;
  for (const std::string_view wide : {"\xE1\x9A\x80", "\xE2\x80\xA8", "\xE2\x80\xA9",
                                      "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"})
    if (text.starts_with(wide)) return 3;
  const bool en_quad_to_hair_space = text.size() >= 3 && text.starts_with("\xE2\x80") &&
                                     static_cast<unsigned char>(text[2]) >= 0x80 &&
                                     static_cast<unsigned char>(text[2]) <= 0x8A;
  return en_quad_to_hair_space ? 3 : 0;
}

// Whether the character that begins `text` may be in a name.
bool in_name(std::string_view text) {
  return is_name_char(text[0]) && space_length(text) == 0 && !text.starts_with(byte_order_mark);
}

class Parser {
 public:
  Parser(std::string_view text, std::string_view file, const Environment& environment)
      : text_(text), file_(file), environment_(environment) {}

  Dotenv parse() {
    if (text_.starts_with(byte_order_mark)) at_ = line_begin_ = byte_order_mark.size();
    while (to_statement()) statement();
    return std::move(out_);
  }

 private:
  Place here() const { return {line_, at_ - line_begin_ + 1}; }
  bool at_end() const { return at_ >= text_.size(); }
  [[noreturn]] void fail(Place place, std::string_view what) const {
    throw DotenvError(file_, place, what);
  }

  void advance(std::size_t count) {
    for (; count > 0; --count, ++at_) {
      if (text_[at_] != '\n') continue;
      ++line_;
      line_begin_ = at_ + 1;
    }
  }

  // Over white space; `over_lines` says whether line breaks are.
  void skip_space(bool over_lines) {
    while (!at_end() && (over_lines || text_[at_] != '\n')) {
      const std::size_t length = space_length(text_.substr(at_));
      if (length == 0) return;
      advance(length);
    }
  }

  // Over white space and comments; false at the end.
  bool to_statement() {
    skip_space(true);
    while (!at_end() && text_[at_] == '#') {
      advance(std::min(text_.find('\n', at_), text_.size()) - at_);
      skip_space(true);
    }
    return !at_end();
  }

  void statement() {
    skip_export();
    const Place place = here();
    const std::string name = read_name();
    if (at_end() || text_[at_] == '\n') return inherit(name, place);
    advance(1);  // '=' or ':'
    skip_space(false);
    store(name, read_value(name), place);
  }

  void skip_export() {
    constexpr std::string_view word = "export";
    const std::string_view rest = text_.substr(at_);
    if (!rest.starts_with(word) || space_length(rest.substr(word.size())) == 0) return;
    advance(word.size());
    skip_space(false);
  }

  // Up to '=', ':' or the line's end, without the white space before it.
  std::string read_name() {
    const Place place = here();
    std::string name;
    while (!at_end() && in_name(text_.substr(at_))) {
      name.push_back(text_[at_]);
      advance(1);
    }
    skip_space(false);
    if (!at_end() && text_[at_] != '=' && text_[at_] != ':' && text_[at_] != '\n')
      fail(here(), in_name(text_.substr(at_)) && !name.empty()
                       ? "a name cannot contain a space; expected NAME=value"
                       : "this character cannot be in a name; expected NAME=value");
    if (name.empty()) fail(place, "the name before \"=\" is missing; expected NAME=value");
    return name;
  }

  void inherit(const std::string& name, Place place) {
    if (const auto value = environment_(name)) store(name, WipedText(*value), place);
  }

  void store(const std::string& name, WipedText value, Place place) {
    if (value.view().find('\0') != std::string_view::npos)
      fail(place, "the value of " + name + " holds a NUL byte, which no environment can carry");
    auto& all = out_.entries;
    const auto old = std::find_if(all.begin(), all.end(),
                                  [&](const DotenvEntry& entry) { return entry.name == name; });
    if (old != all.end()) {
      if (!old->value.empty())
        warn(DotenvWarning::Kind::set_twice, name, place,
             name + " was set before, on line " + std::to_string(old->place.line) +
                 "; this later value counts");
      all.erase(old);
    }
    all.push_back({name, std::move(value), place});
  }

  WipedText read_value(const std::string& name) {
    const bool quoted = !at_end() && (text_[at_] == '\'' || text_[at_] == '"');
    if (!quoted) return expand(name, read_unquoted());
    const char quote = text_[at_];
    PlacedText raw = read_quoted(name, quote);
    if (quote == '\'') return std::move(raw.text);
    return expand(name, unescape(raw));
  }

  PlacedText read_unquoted() {
    const std::size_t line_end = std::min(text_.find('\n', at_), text_.size());
    const std::string_view line = text_.substr(at_, line_end - at_);
    const std::string_view value = line.substr(0, line.find(" #"));
    std::size_t kept = 0;  // the value without the white space at its end
    for (std::size_t i = 0; i < value.size();) {
      const std::size_t space = space_length(value.substr(i));
      i += space == 0 ? 1 : space;
      if (space == 0) kept = i;
    }
    PlacedText out;
    for (std::size_t i = 0; i < kept; ++i) take(out);
    advance(line_end - at_);
    return out;
  }

  // What stands between the quotes. A backslash before the quote goes; every other stays.
  PlacedText read_quoted(const std::string& name, char quote) {
    const Place opening = here();
    advance(1);
    PlacedText out;
    while (!at_end() && text_[at_] != quote) {
      const bool escape = text_[at_] == '\\' && at_ + 1 < text_.size();
      if (escape && text_[at_ + 1] == quote) {
        advance(1);
      } else if (escape) {
        take(out);
      }
      take(out);
    }
    if (at_end()) fail(opening, "the quote of " + name + " that opens here is never closed");
    advance(1);
    if (!at_end() && text_[at_] != '#' && space_length(text_.substr(at_)) == 0)
      fail(here(), "the value of " + name + " ends at the quote before this; " +
                       "write a backslash before a quote that is a part of it");
    return out;
  }

  void take(PlacedText& out) {
    out.push_back(text_[at_], here());
    advance(1);
  }

  WipedText expand(const std::string& name, const PlacedText& text) {
    Interpolation context;
    context.lookup = [this](std::string_view variable) -> std::optional<std::string_view> {
      if (const DotenvEntry* entry = out_.find(variable)) return entry->value.view();
      return environment_(variable);
    };
    context.fail = [&](Place place, std::string_view what) {
      fail(place, "in the value of " + name + ": " + std::string(what));
    };
    context.warn = [&](Place place, std::string_view what) {
      warn(DotenvWarning::Kind::unset_variable, name, place,
           "in the value of " + name + ": " + std::string(what));
    };
    return interpolate(text, context);
  }

  void warn(DotenvWarning::Kind kind, const std::string& name, Place place, std::string_view what) {
    out_.warnings.push_back({kind, name, DotenvError(file_, place, what).what()});
  }

  std::string_view text_;
  std::string_view file_;
  const Environment& environment_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t line_begin_ = 0;
  Dotenv out_;
};

// True when single quotes can hold the value: there a backslash before a quote, or before the end,
// cannot be written unless another backslash stands before it.
bool fits_single_quotes(std::string_view value) {
  std::size_t backslashes = 0;
  for (const char c : value) {
    if (c == '\'' && backslashes % 2 == 1) return false;
    backslashes = c == '\\' ? backslashes + 1 : 0;
  }
  return backslashes % 2 == 0;
}

}  // namespace

DotenvError::DotenvError(std::string_view file, Place place, std::string_view what)
    : std::runtime_error(std::string(file) + ":" + std::to_string(place.line) + ":" +
                         std::to_string(place.column) + ": " + std::string(what)),
      place_(place) {}

const DotenvEntry* Dotenv::find(std::string_view name) const {
  for (const DotenvEntry& entry : entries)
    if (entry.name == name) return &entry;
  return nullptr;
}

std::optional<std::string_view> process_environment(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

Dotenv parse_dotenv(std::string_view text, std::string_view file, const Environment& environment) {
  return Parser(text, file, environment).parse();
}

WipedText dotenv_line(std::string_view name, std::string_view value) {
  if (value.find('\0') != std::string_view::npos)
    throw std::invalid_argument("a value with a NUL byte cannot be written to an environment file");
  const bool single = fits_single_quotes(value);
  const std::string_view escaped = single ? "'" : "\\\"$";
  const char quote = single ? '\'' : '"';
  WipedText line;
  line.reserve(name.size() + 2 * value.size() + 4);
  line.append(name);
  line.push_back('=');
  line.push_back(quote);
  for (const char c : value) {
    if (escaped.find(c) != std::string_view::npos) line.push_back('\\');
    line.push_back(c);
  }
  line.push_back(quote);
  line.push_back('\n');
  return line;
}

}  // namespace fbx::common
