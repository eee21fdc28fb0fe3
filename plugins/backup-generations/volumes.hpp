// SPDX-License-Identifier: Apache-2.0
// Which source of this stack a folder in an archive of volumes is.
#pragma once

#include <boost/json/array.hpp>
#include <fusebox/plugin.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sources.hpp"

namespace fbx::backup {

class VolumeMap {
 public:
  // Asks the stack's plugins for their volumes. `names`: "mount=instance" where the names differ,
  // "mount=" for one to leave out; null: none. Throws Error{FBX_ARGUMENT} for a wrong one.
  VolumeMap(const Op& op, const boost::json::array* names);

  // Nothing for one to leave out. One that cannot be asked, since its service is not here yet, is
  // taken at the word of `names`. Throws Error{FBX_NOT_FOUND} when no source is of that name.
  std::optional<Source> source_of(const std::string& mount) const;

 private:
  std::vector<Source> volumes_;
  std::vector<LeftOut> silent_;  // those that could not answer
  std::map<std::string, std::string> names_;
};

}  // namespace fbx::backup
