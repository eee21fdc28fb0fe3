// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <re2/re2.h>

#include <random>

#include "engine/codec.hpp"
#include "engine/utf8_text.hpp"

using namespace fusebox::scan;

namespace {

// The one expression that gitleaks searches with, as the reference.
std::vector<EncodedMatch> by_expression(std::string_view text) {
  static const re2::RE2 all(
      R"((%[0-9A-Fa-f]{2}(?:.*%[0-9A-Fa-f]{2})?)|)"
      R"(((?:(?:U\+[a-fA-F0-9]{4}(?:\s|$))+|(?i)(?:\\{1,2}u[a-fA-F0-9]{4})+))|)"
      R"(([0-9A-Fa-f]{32,})|([\w\/+-]{16,}={0,2}))");
  std::vector<EncodedMatch> found;
  std::size_t at = 0;
  re2::StringPiece groups[5];
  const re2::StringPiece piece(text.data(), text.size());
  while (all.Match(piece, at, text.size(), re2::RE2::UNANCHORED, groups, 5)) {
    for (unsigned i = 1; i < 5; ++i) {
      if (groups[i].data() == nullptr) continue;
      const auto begin = static_cast<std::size_t>(groups[i].data() - text.data());
      found.push_back({static_cast<Encoding>(1U << (i - 1)), {begin, begin + groups[i].size()}});
      at = begin + groups[i].size();
    }
  }
  std::vector<EncodedMatch> kept;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto hidden = [&](std::size_t other) {
      return found[other].encoding < found[i].encoding &&
             found[other].span.begin <= found[i].span.end &&
             found[other].span.end >= found[i].span.begin;
    };
    if ((i == 0 || !hidden(i - 1)) && (i + 1 == found.size() || !hidden(i + 1)))
      kept.push_back(found[i]);
  }
  return kept;
}

}  // namespace

TEST_CASE("what is encoded is found where one expression for all of it finds it") {
  std::mt19937 random(7);  // NOLINT: repeatable on purpose
  const std::vector<std::string> parts = {"%41",
                                          "%4",
                                          "%zz",
                                          "\n",
                                          "\\u0041",
                                          "\\\\u0041",
                                          "\\\\\\U00e4",
                                          "U+0041 ",
                                          "U+0041",
                                          "U+12",
                                          "0123456789abcdef",
                                          "deadBEEF",
                                          "abcdefghijklmnop",
                                          "x/y+z-_",
                                          "=",
                                          "==",
                                          " ",
                                          "\t",
                                          "-",
                                          "A"};
  for (int round = 0; round < 4000; ++round) {
    std::string text;
    for (auto i = random() % 14; i > 0; --i) text += parts[random() % parts.size()];
    const auto ours = find_encoded(text);
    const auto theirs = by_expression(text);
    INFO(text);
    REQUIRE(ours.size() == theirs.size());
    for (std::size_t i = 0; i < ours.size(); ++i) {
      CHECK(ours[i].encoding == theirs[i].encoding);
      CHECK(ours[i].span.begin == theirs[i].span.begin);
      CHECK(ours[i].span.end == theirs[i].span.end);
    }
  }
}

TEST_CASE("each encoding decodes, or is none") {
  CHECK(decode(percent_encoding, "%41b%43") == "AbC");
  CHECK(decode(percent_encoding, "%41%00") == "");
  CHECK(decode(unicode_encoding, "\\u0041\\\\u00e4") == "A\xC3\xA4");
  CHECK(decode(unicode_encoding, "\\ud800") == "\xEF\xBF\xBD");
  CHECK(decode(unicode_encoding, "U+0041 U+0042 ") == "AB");
  CHECK(decode(hex_encoding, "414243") == "ABC");
  CHECK(decode(hex_encoding, "41424") == "");
  CHECK(decode(hex_encoding, "aabb") == "");
  CHECK(decode(base64_encoding, "aGVsbG8gd29ybGQh") == "hello world!");
  CHECK(decode(base64_encoding, "aGVsbG8gd29ybGQhIQ==") == "hello world!!");
  CHECK(decode(base64_encoding, "aGVsbG8gd29ybGQhIQ=") == "");
  CHECK(decode(base64_encoding, "Pz8_Pz8_Pz8_Pz8_Pz09") == std::string(13, '?') + "==");
  CHECK(decode(base64_encoding, "abcdefghijklmnop") == "");
}

TEST_CASE("a place in decoded text is led back to where it was, through two passes") {
  const std::string inner = "aGVsbG8gd29ybGQh";
  std::string twice;
  for (const char c : inner) {
    constexpr std::string_view digits = "0123456789abcdef";
    twice +=
        {digits[static_cast<unsigned char>(c) >> 4U], digits[static_cast<unsigned char>(c) & 15U]};
  }
  const std::string text = "a " + twice + " z";
  const auto first = decode_pass(text, nullptr);
  REQUIRE(first != nullptr);
  CHECK(first->text == "a " + inner + " z");
  const auto second = decode_pass(first->text, first);
  REQUIRE(second != nullptr);
  CHECK(second->text == "a hello world! z");
  const Span span{8, 13};
  const auto segments = overlapping(*second, span);
  REQUIRE(segments.size() == 1);
  const Span original = original_span(*second, segments, span);
  CHECK(original.begin == 2);
  CHECK(original.end == 2 + twice.size());
  CHECK(tags_of(segments) ==
        std::vector<std::string>{"decoded:hex", "decoded:base64", "decode-depth:2"});
  CHECK(decode_pass(second->text, second) == nullptr);
}
