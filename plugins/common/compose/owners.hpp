// SPDX-License-Identifier: Apache-2.0
// A service that runs as a fixed user must own its volumes: an image that stopped running as root
// (MinIO's did) cannot write into the data that its predecessor left.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fbx::compose {

class Project;

struct OwnerProblem {
  std::string service;
  std::string volume;
  std::uint64_t user = 0;   // as which the service runs
  std::uint64_t owner = 0;  // of the volume's root
};

// Looks at the volumes that some container mounts; the root of a volume nobody ever mounted cannot
// be seen, and is empty.
std::vector<OwnerProblem> wrong_owners(Project& project);

// The number in "65532", "101:101"; nothing for a name, root, or empty text.
std::optional<std::uint64_t> fixed_user(std::string_view user);

// The owner in a tar header of 512 bytes; nothing when it is none.
std::optional<std::uint64_t> tar_owner(std::string_view header);

}  // namespace fbx::compose
