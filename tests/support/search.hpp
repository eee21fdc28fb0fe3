// SPDX-License-Identifier: Apache-2.0
// Looks for bytes that must not be there.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>

namespace fusebox::test {

inline std::string slurp(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The files below `folder`, relative to it, whose content or name holds `needle`.
inline std::set<std::string> files_with(const std::filesystem::path& folder,
                                        std::string_view needle) {
  std::set<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().lexically_relative(folder).string();
    const bool in_name = name.find(needle) != std::string::npos;
    const bool in_content =
        entry.is_regular_file() && slurp(entry.path()).find(needle) != std::string::npos;
    if (in_name || in_content) found.insert(name);
  }
  return found;
}

}  // namespace fusebox::test
