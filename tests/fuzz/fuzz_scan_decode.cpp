// SPDX-License-Identifier: Apache-2.0
// Text with encoded parts. Segments lie in order, and each place leads back into the text.
#include <cstdint>
#include <string_view>

#include "engine/codec.hpp"
#include "tests/fuzz/check.hpp"

// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fusebox::scan;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  std::shared_ptr<const Decoded> pass;
  for (int depth = 0; depth < 6; ++depth) {
    pass = decode_pass(pass == nullptr ? input : std::string_view(pass->text), pass);
    if (pass == nullptr) break;
    std::size_t end = 0;
    for (const Segment& segment : pass->segments) {
      fusebox::fuzz::check(segment.decoded.begin >= end, "segments lie in order");
      end = segment.decoded.end;
      const Span wide{segment.decoded.begin / 2, (segment.decoded.end + pass->text.size()) / 2};
      const auto touched = overlapping(*pass, wide);
      const Span original = original_span(*pass, touched, wide);
      fusebox::fuzz::check(original.begin <= original.end && original.end <= input.size(),
                           "a place leads back into the text");
      fusebox::fuzz::check(line_around(*pass, touched).size() <= pass->text.size(),
                           "a line is of the text");
    }
    fusebox::fuzz::check(end <= pass->text.size(), "segments end within the text");
  }
  return 0;
}
