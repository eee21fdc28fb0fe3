// SPDX-License-Identifier: Apache-2.0
// A copy of a plugin's library that nobody can change, so that what was examined is what runs.
#pragma once

#include "util/fd.hpp"

#include <filesystem>
#include <string>

namespace fusebox::plugin {

// Sealed memory where the system has it and lets code run from there, else a file of our own in a
// folder of our own, removed with this object.
class LibraryCopy {
 public:
  // Throws Error.
  explicit LibraryCopy(const std::filesystem::path& library);
  LibraryCopy(const LibraryCopy&) = delete;
  LibraryCopy& operator=(const LibraryCopy&) = delete;

  // -1: it is a file.
  int fd() const { return memory_.get(); }
  // To be opened by this process, or if it is a file by any of ours.
  std::filesystem::path path() const;
  std::string sha256() const;

 private:
  void copy_to_memory(int source, const std::string& name);
  void copy_to_file(int source, const std::string& name);

  struct Folder {
    ~Folder();
    std::filesystem::path path;
  };

  util::UniqueFd memory_;
  Folder folder_;
  std::filesystem::path file_;
};

}  // namespace fusebox::plugin
