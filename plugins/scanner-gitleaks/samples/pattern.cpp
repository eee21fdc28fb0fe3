// SPDX-License-Identifier: Apache-2.0
#include "samples/pattern.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <stdexcept>
#include <vector>

namespace fusebox::samples {

namespace {

constexpr std::string_view digits = "0123456789";
constexpr std::string_view lower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view whole = " | ";

std::string alphabet_of(char kind) {
  const std::string letters = std::string(lower) + std::string(upper);
  const std::string word = letters + std::string(digits);
  switch (kind) {
    case 'd':
      return std::string(digits);
    case 'h':
      return std::string(digits) + "abcdef";
    case 'x':
      return std::string(digits) + "abcdefABCDEF";
    case 'l':
      return std::string(digits) + std::string(lower);
    case 'u':
      return std::string(digits) + std::string(upper);
    case 'n':
    case '%':
      return word;
    case 'a':
      return letters;
    case 't':
      return std::string(upper) + "234567";
    case 'c':
      return "023456789ACDEFGHJKLMNPQRSTUVWXYZ";
    case 'b':
      return word + "+/";
    case 'k':
      return word + "+/_-";
    case 'o':
      return word + "_";
    case 'w':
    case 'e':
      return word + "_-";
    case 'p':
      return word + "_-.";
    case 'z':
      return "0";
    default:
      throw std::logic_error(std::string("no such alphabet: ") + kind);
  }
}

struct Part {
  char alphabet = 0;
  std::size_t least = 0;
  std::size_t most = 0;
};

Part part_of(std::string_view body) {
  Part part{body.front(), 0, 0};
  const char* end = body.data() + body.size();
  auto read = std::from_chars(body.data() + 1, end, part.least);
  part.most = part.least;
  if (read.ec == std::errc() && read.ptr != end && *read.ptr == '-')
    read = std::from_chars(read.ptr + 1, end, part.most);
  else if (read.ec == std::errc() && read.ptr != end && *read.ptr == '+')
    part.most = part.least + 20, ++read.ptr;
  if (read.ec != std::errc() || read.ptr != end || part.most < part.least)
    throw std::logic_error("malformed: {" + std::string(body) + "}");
  return part;
}

// Any other body is a list of alternatives, maybe of one.
bool is_class(std::string_view body) {
  return body.size() > 1 && body[1] >= '0' && body[1] <= '9' && body.find('|') == body.npos;
}

// What stands between the braces at `open`.
std::string_view body_at(std::string_view pattern, std::size_t open) {
  const std::size_t close = pattern.find('}', open);
  if (close == std::string_view::npos || close == open + 1)
    throw std::logic_error("malformed: " + std::string(pattern));
  return pattern.substr(open + 1, close - open - 1);
}

std::vector<std::string_view> split(std::string_view text, std::string_view by) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0;;) {
    const std::size_t next = text.find(by, at);
    parts.push_back(text.substr(at, next - at));
    if (next == std::string_view::npos) return parts;
    at = next + by.size();
  }
}

}  // namespace

std::size_t Filler::below(std::size_t limit) {
  return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
}

// Begins and ends with a letter or digit, and has some variety: a draw that happens to be dull
// would be exempt, and rightly so.
std::string Filler::draw(char kind, std::size_t count) {
  const std::string alphabet = alphabet_of(kind);
  const std::size_t variety = std::min(count, alphabet.size()) / 2;
  for (;;) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += alphabet[below(alphabet.size())];
    const auto plain = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    };
    if (!text.empty() && !(plain(text.front()) && plain(text.back()))) continue;
    if (std::set<char>(text.begin(), text.end()).size() >= variety) return text;
  }
}

// `shorten`: the position of the brace whose part is to be one too short.
std::string Filler::expand(std::string_view pattern, Mode mode, std::size_t shorten) {
  std::string text;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern.substr(i, 2) == "{{" || pattern.substr(i, 2) == "}}") {
      text += pattern[i++];
      continue;
    }
    if (pattern[i] != '{') {
      text += pattern[i];
      continue;
    }
    const std::string_view body = body_at(pattern, i);
    if (body == "uuid") {
      text += expand("{h8}-{h4}-{h4}-{h4}-{h12}", mode, shorten == i ? 20 : pattern.npos);
    } else if (!is_class(body)) {
      const auto choices = split(body, "|");
      text += choices[below(choices.size())];
    } else {
      const Part part = part_of(body);
      std::size_t count = part.least + below(part.most - part.least + 1);
      if (shorten == i) count = part.least - 1;
      const std::string alphabet = alphabet_of(part.alphabet);
      if (mode == Mode::random)
        text += draw(part.alphabet, count);
      else if (alphabet.find('x') != alphabet.npos)
        text.append(count, 'x');
      else
        text.append(count, alphabet.find('X') != alphabet.npos ? 'X' : alphabet.front());
    }
    i += body.size() + 1;
  }
  return text;
}

std::string Filler::fill(std::string_view pattern) {
  const auto choices = split(pattern, whole);
  return expand(choices[below(choices.size())], Mode::random, pattern.npos);
}

std::string Filler::too_short(std::string_view pattern) {
  const std::string_view first = split(pattern, whole).front();
  std::size_t longest = first.npos;
  std::size_t length = 0;
  for (std::size_t i = first.find('{'); i != first.npos; i = first.find('{', i + 1)) {
    const std::string_view body = body_at(first, i);
    const std::size_t least = body == "uuid" ? 36 : is_class(body) ? part_of(body).least : 0;
    if (least <= length) continue;
    longest = i;
    length = least;
  }
  return expand(first, Mode::random, longest);
}

std::string Filler::dummy(std::string_view pattern) {
  return expand(split(pattern, whole).front(), Mode::dummy, pattern.npos);
}

}  // namespace fusebox::samples
