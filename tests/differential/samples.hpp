// SPDX-License-Identifier: Apache-2.0
// Files with what looks like secrets, made at run time: no such text stands in the repository.
#pragma once

#include <filesystem>
#include <random>
#include <string>
#include <string_view>

#include "tests/support/temp_dir.hpp"

namespace fusebox::test {

// The same in every run.
class Samples {
 public:
  std::string token(std::size_t length);
  std::string key();  // what a rule of gitleaks' own finds
  std::size_t below(std::size_t limit);

 private:
  std::mt19937 random_{20240917};  // NOLINT: repeatable on purpose
};

std::string base64(std::string_view bytes);
std::string hex(std::string_view bytes);

// A folder that fills with files.
class Tree {
 public:
  void put(const std::string& name, std::string_view text) const;
  void add(const std::string& name, std::string_view text) const;  // at the end
  std::string get(const std::string& name) const;
  void git(std::vector<std::string> words) const;
  void init_git() const;
  const std::filesystem::path& path() const { return dir_.path(); }

 private:
  TempDir dir_;
};

}  // namespace fusebox::test
