// SPDX-License-Identifier: Apache-2.0
// What is scanned at a time: a chunk of a file, or the lines that a hunk adds.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace fusebox::scan {

struct Remote {
  std::string platform;  // empty: no links
  std::string url;
};

struct CommitInfo {
  std::string sha;
  std::string author;
  std::string email;
  std::string date;  // RFC 3339
  std::string message;
};

// Borrows what it names.
struct Fragment {
  std::string_view raw;
  std::string path;
  std::string symlink;
  std::int64_t start_line = 0;
  std::shared_ptr<const CommitInfo> commit;  // may be null
};

using OnFragment = std::function<void(const Fragment&)>;

}  // namespace fusebox::scan
