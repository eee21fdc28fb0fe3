// SPDX-License-Identifier: Apache-2.0
#include "engine/codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace fusebox::scan {

namespace {

// Ends in between count: signed, because a segment may lie left of where a match was.
struct Range {
  std::ptrdiff_t begin = 0;
  std::ptrdiff_t end = 0;

  explicit Range(Span span)
      : begin(static_cast<std::ptrdiff_t>(span.begin)),
        end(static_cast<std::ptrdiff_t>(span.end)) {}
  Range(std::ptrdiff_t b, std::ptrdiff_t e) : begin(b), end(e) {}

  bool touches(const Range& other) const { return other.begin <= end && other.end >= begin; }
  bool holds(const Range& other) const { return begin <= other.begin && other.end <= end; }
  Range merged(const Range& other) const {
    return {std::min(begin, other.begin), std::max(end, other.end)};
  }
  // Widened at either side by as much as `inner` is exceeded by `outer`.
  Range widened(const Range& inner, const Range& outer) const {
    const Range both = inner.merged(outer);
    return {begin + both.begin - inner.begin, end + both.end - inner.end};
  }
  Span span() const { return {static_cast<std::size_t>(begin), static_cast<std::size_t>(end)}; }
};

Range to_original(const std::vector<Segment>& segments, const Decoded* before, Range range) {
  while (!segments.empty()) {
    Range encoded{0, 0};
    for (const Segment& segment : segments) {
      const Range decoded(segment.decoded);
      if (!decoded.touches(range)) continue;
      if (decoded.holds(range)) return Range(segment.original);
      const Range wider = Range(segment.encoded).widened(decoded, range);
      encoded = encoded.end == 0 ? wider : encoded.merged(wider);
    }
    if (encoded.end == 0) return range;
    range = encoded;
    if (before == nullptr) return range;
    return to_original(before->segments, before->before.get(), range);
  }
  return range;
}

}  // namespace

std::shared_ptr<const Decoded> decode_pass(std::string_view text,
                                           std::shared_ptr<const Decoded> before) {
  auto pass = std::make_shared<Decoded>();
  std::size_t copied = 0;
  for (const EncodedMatch& match : find_encoded(text)) {
    const std::string value =
        decode(match.encoding, text.substr(match.span.begin, match.span.end - match.span.begin));
    if (value.empty()) continue;
    pass->text += text.substr(copied, match.span.begin - copied);
    copied = match.span.end;
    Segment segment;
    segment.encoded = match.span;
    segment.original = match.span;
    segment.encodings = match.encoding;
    segment.decoded = {pass->text.size(), pass->text.size() + value.size()};
    pass->text += value;
    if (before != nullptr) {
      const Range range(match.span);
      segment.original = to_original(before->segments, before->before.get(), range).span();
      segment.depth = 1 + before->segments.front().depth;
      for (const Segment& earlier : before->segments)
        if (range.touches(Range(earlier.decoded))) segment.encodings |= earlier.encodings;
    }
    pass->segments.push_back(segment);
  }
  if (pass->segments.empty()) return nullptr;
  pass->text += text.substr(copied);
  pass->before = std::move(before);
  return pass;
}

std::vector<Segment> overlapping(const Decoded& pass, Span span) {
  std::vector<Segment> found;
  for (const Segment& segment : pass.segments)
    if (Range(segment.decoded).touches(Range(span))) found.push_back(segment);
  return found;
}

Span original_span(const Decoded& pass, const std::vector<Segment>& segments, Span span) {
  return to_original(segments, pass.before.get(), Range(span)).span();
}

std::string_view line_around(const Decoded& pass, const std::vector<Segment>& segments) {
  Range range(segments.front().decoded);
  for (const Segment& segment : segments) range = range.merged(Range(segment.decoded));
  const std::string_view text = pass.text;
  const Span span = range.span();
  const std::size_t begin = text.rfind('\n', span.begin);
  const std::size_t end = text.find('\n', span.end);
  const std::size_t from = begin == std::string_view::npos ? 0 : begin;
  return text.substr(from, end == std::string_view::npos ? end : end - from);
}

std::vector<std::string> tags_of(const std::vector<Segment>& segments) {
  constexpr std::array<std::pair<Encoding, std::string_view>, 4> names = {
      {{percent_encoding, "percent"},
       {unicode_encoding, "unicode"},
       {hex_encoding, "hex"},
       {base64_encoding, "base64"}}};
  unsigned encodings = 0;
  for (const Segment& segment : segments) encodings |= segment.encodings;
  std::vector<std::string> tags;
  for (const auto& [encoding, name] : names)
    if ((encodings & encoding) != 0) tags.push_back(fmt::format("decoded:{}", name));
  tags.push_back(fmt::format("decode-depth:{}", segments.front().depth));
  return tags;
}

}  // namespace fusebox::scan
