// SPDX-License-Identifier: Apache-2.0
// Decodes what is encoded within a text, in its place, and keeps where it was.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/regex.hpp"

namespace fusebox::scan {

enum Encoding : unsigned {
  percent_encoding = 1,
  unicode_encoding = 2,
  hex_encoding = 4,
  base64_encoding = 8,
};

struct EncodedMatch {
  Encoding encoding = percent_encoding;
  Span span;
};

// All that looks encoded, in order; of two that touch, the one of the more telling encoding.
std::vector<EncodedMatch> find_encoded(std::string_view text);

// Empty: it is none after all.
std::string decode(Encoding encoding, std::string_view text);

struct Segment {
  Span original;  // in the text before any decoding
  Span encoded;   // in the text of the pass before
  Span decoded;   // in this pass' text
  unsigned encodings = 0;
  int depth = 1;
};

// One pass: its text, its segments, and the passes before.
struct Decoded {
  std::string text;
  std::vector<Segment> segments;
  std::shared_ptr<const Decoded> before;
};

// Decodes `text`, which is the one of `before` where that is not null. Nothing: there was nothing
// to decode.
std::shared_ptr<const Decoded> decode_pass(std::string_view text,
                                           std::shared_ptr<const Decoded> before);

// The segments that touch `span`.
std::vector<Segment> overlapping(const Decoded& pass, Span span);
// Where `span` of this pass' text was in the original.
Span original_span(const Decoded& pass, const std::vector<Segment>& segments, Span span);
// The lines around the segments; the first begins with its line feed.
std::string_view line_around(const Decoded& pass, const std::vector<Segment>& segments);
// "decoded:base64", ..., "decode-depth:1".
std::vector<std::string> tags_of(const std::vector<Segment>& segments);

}  // namespace fusebox::scan
