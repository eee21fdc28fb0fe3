// SPDX-License-Identifier: Apache-2.0
// Which plugins there are, found by their manifests; no library is loaded.
#pragma once

#include "plugin/manifest.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::plugin {

struct Found {
  Manifest manifest;
  std::filesystem::path library;  // beside the manifest
};

// A manifest or library that cannot be used, and why. Never fatal by itself: only a plan that
// needs it fails.
struct Rejected {
  std::filesystem::path file;
  std::string id;  // from the file's name
  std::string what;
  std::string hint;
};

class Catalog {
 public:
  // Reads the manifests in `dirs`, first to last; the first of two with the same id wins and the
  // other is rejected. Folders that do not exist are passed over.
  static Catalog discover(const std::vector<std::filesystem::path>& dirs);

  const Found* find(std::string_view id) const;
  const std::vector<Found>& all() const { return found_; }  // by id
  const std::vector<Rejected>& rejected() const { return rejected_; }

 private:
  std::vector<Found> found_;
  std::vector<Rejected> rejected_;
};

}  // namespace fusebox::plugin
