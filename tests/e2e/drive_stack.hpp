// SPDX-License-Identifier: Apache-2.0
// A stack with a store and an external drive, both real file systems, and no servers: generations
// are put into the store as a backup leaves them there.
#pragma once

#include "e2e/stacks.hpp"
#include "plugins/common/store/generations.hpp"
#include "support/child.hpp"
#include "support/mount.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace fusebox::test {

class DriveStack {
 public:
  // Lines added to [plugins.drive], and to the file.
  explicit DriveStack(const std::string& drive = {}, const std::string& more = {});

  Ended operator()(std::vector<std::string> args) const { return box_.fusebox(args); }
  // Must end with `exit_code`.
  Ended expect(int exit_code, const std::vector<std::string>& args) const;
  Child start(const std::vector<std::string>& args,
              const std::map<std::string, std::string>& environment = {}) const;

  const Sandbox& box() const { return box_; }
  std::filesystem::path drive() const { return box_ / "drive"; }           // where it is mounted
  std::filesystem::path copies() const { return drive() / "two-places"; }  // the stack's, on it
  std::filesystem::path originals() const { return box_ / "backups/two-places"; }

  // Puts a generation into the store: each text a file of it.
  std::string make(const std::map<std::string, std::string>& files,
                   const std::string& pin = {}) const;
  std::string make(std::size_t bytes, unsigned seed) const;  // of one file of noise
  // What a folder of generations lists.
  static std::vector<fbx::store::Generation> list(const std::filesystem::path& folder);
  // Names that list() gives without a problem, oldest first.
  static std::vector<std::string> whole(const std::filesystem::path& folder);
  // Re-hashes every file of every generation there; "" when all is right.
  std::string damage(const std::filesystem::path& folder) const;

 private:
  Sandbox box_;
};

std::string noise(std::size_t size, unsigned seed);
void flip_bit(const std::filesystem::path& file);

}  // namespace fusebox::test
