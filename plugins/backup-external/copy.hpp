// SPDX-License-Identifier: Apache-2.0
// One generation from the stack's store to the drive.
#pragma once

#include <cstdint>
#include <functional>
#include <fusebox/plugin.hpp>
#include <string>

#include "common/store/generations.hpp"
#include "drive.hpp"

namespace fbx::external {

struct Copied {
  std::uint64_t written = 0;  // bytes
  std::uint64_t reused = 0;   // that an earlier, interrupted copy had brought
};

// The store has something else than its manifest says, or has it no longer.
class SourceFailed : public Error {
 public:
  using Error::Error;
};

struct CopyContext {
  const Op& op;
  const Held& drive;
  const store::Generations& generations;  // on the drive, whose lock is held
  // Bytes of this generation so far, and what is being done.
  std::function<void(std::uint64_t bytes, const std::string& doing)> progress;
};

// Copies every file, reads each again from the drive and compares it with the manifest, writes the
// manifest last and gives it its name. What an interrupted copy left is used where its hash is
// right. Throws SourceFailed with nothing left of it, and Error{FBX_IO} when the drive fails, with
// what is good for the next attempt left on it.
Copied copy_generation(const CopyContext& context, const store::Generation& generation);

// What of it an interrupted copy has left on the drive, by size.
std::uint64_t bytes_there(const store::Generations& generations,
                          const store::Generation& generation);

}  // namespace fbx::external
