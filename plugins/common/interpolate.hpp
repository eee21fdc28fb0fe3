// SPDX-License-Identifier: Apache-2.0
// The two things Compose does to a value in double quotes: escapes, then variables.
#pragma once

#include "common/dotenv.hpp"

namespace fbx::common {

// Text, and where in the file each byte of it came from.
struct PlacedText {
  WipedText text;
  std::vector<Place> places;

  void push_back(char c, Place place) {
    text.push_back(c);
    places.push_back(place);
  }
};

struct Interpolation {
  Environment lookup;
  std::function<void(Place, std::string_view what)> fail;  // throws
  std::function<void(Place, std::string_view what)> warn;
};

// \n and its like. `\$` becomes `$$`, which interpolate() turns into `$`.
PlacedText unescape(const PlacedText& from);

// $VAR, ${VAR} and ${VAR<operator>...}, nested ones too; a `$` before anything else stays.
WipedText interpolate(const PlacedText& from, const Interpolation& context);

}  // namespace fbx::common
