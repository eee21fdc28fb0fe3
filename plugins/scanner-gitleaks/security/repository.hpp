// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/scanner.hpp"

namespace fusebox::scan {

// A git repository with a working tree.
class Repository {
 public:
  // The one that `folder` is in. Throws fbx::Error{FBX_NOT_FOUND} where there is none.
  Repository(std::filesystem::path folder, StartProgram start);

  const std::filesystem::path& top() const { return top_; }
  const StartProgram& starter() const { return start_; }
  // Where git looks for hooks, core.hooksPath included.
  std::filesystem::path hooks() const;
  // Paths that git tracks, relative to top().
  std::vector<std::string> tracked() const;
  bool has_commits() const;
  std::string user() const;  // "name <mail>", as git would sign; "" where none is set

  // What git writes; throws fbx::Error{FBX_FAILED} with its words when it fails.
  std::string git(std::vector<std::string> words) const;

 private:
  std::filesystem::path top_;
  StartProgram start_;
};

struct Ended {
  int exit_code = 0;
  std::string out;
  std::string err;
};
Ended run_to_end(const StartProgram& start, std::vector<std::string> command);

}  // namespace fusebox::scan
