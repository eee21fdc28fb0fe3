// SPDX-License-Identifier: Apache-2.0
// A tar stream of one sparse file, with whatever map a test wants: no program would write some.
#pragma once

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace fusebox::test {

using SparseMap = std::vector<std::pair<unsigned, unsigned>>;  // offset and size, at most four

// In the old GNU format. Each piece's size has to be a multiple of 512.
inline std::string sparse_tar(const SparseMap& map, unsigned file_size) {
  std::string header(512, '\0');
  const auto text = [&](std::size_t at, std::string_view value) {
    header.replace(at, value.size(), value);
  };
  const auto octal = [&](std::size_t at, int width, unsigned value) {
    char digits[16];
    std::snprintf(digits, sizeof digits, "%0*o", width, value);
    text(at, digits);
  };
  unsigned stored = 0;
  for (const auto& piece : map) stored += piece.second;
  text(0, "data/sparse");
  octal(100, 7, 0640);
  octal(108, 7, 0);
  octal(116, 7, 0);
  octal(124, 11, stored);
  octal(136, 11, 1'700'000'000);
  header[156] = 'S';
  text(257, "ustar  ");
  for (std::size_t i = 0; i < map.size(); ++i) {
    octal(386 + i * 24, 11, map[i].first);
    octal(398 + i * 24, 11, map[i].second);
  }
  octal(483, 11, file_size);
  text(148, "        ");
  unsigned sum = 0;
  for (const char byte : header) sum += static_cast<unsigned char>(byte);
  octal(148, 6, sum);
  header[154] = '\0';
  return header + std::string(stored, 'x') + std::string(1024, '\0');
}

}  // namespace fusebox::test
