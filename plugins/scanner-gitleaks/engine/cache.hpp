// SPDX-License-Identifier: Apache-2.0
// What is worth keeping of rules between runs. Files of the user alone; one that is not, or whose
// hash is wrong, counts as absent.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace fusebox::scan {

class Cache {
 public:
  // Empty: nothing is kept.
  explicit Cache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::optional<std::string> get(const std::string& name) const;
  // Whole or not at all. A cache that cannot be written is no error.
  void put(const std::string& name, std::string_view bytes) const;

 private:
  bool prepare() const;
  void prune() const;

  std::filesystem::path folder_;
};

std::string sha256_hex(std::string_view bytes);

}  // namespace fusebox::scan
