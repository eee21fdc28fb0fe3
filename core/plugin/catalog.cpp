// SPDX-License-Identifier: Apache-2.0
#include "plugin/catalog.hpp"

#include "plugin/trust.hpp"
#include "util/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

namespace fusebox::plugin {
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kManifestSuffix = ".fusebox.toml";
#if defined(__APPLE__)
constexpr std::string_view kLibrarySuffix = ".dylib";
#else
constexpr std::string_view kLibrarySuffix = ".so";
#endif

std::vector<fs::path> manifests_in(const fs::path& dir) {
  std::vector<fs::path> files;
  std::error_code ec;
  for (fs::directory_iterator it(dir, ec), end; !ec && it != end; it.increment(ec))
    if (it->path().filename().string().ends_with(kManifestSuffix)) files.push_back(it->path());
  std::sort(files.begin(), files.end());
  return files;
}

std::string id_of(const fs::path& manifest) {
  std::string name = manifest.filename().string();
  name.resize(name.size() - kManifestSuffix.size());
  return name;
}

Found examine(const fs::path& file, const std::string& id) {
  check_trusted(file);
  Found found{read_manifest(file), file.parent_path() / (id + std::string(kLibrarySuffix))};
  if (!fs::exists(found.library))
    throw Error(
        Errc::not_found, fmt::format("{} has no library beside it", file.string()),
        fmt::format("build or copy {} into the same folder", found.library.filename().string()));
  return found;
}

}  // namespace

Catalog Catalog::discover(const std::vector<fs::path>& dirs) {
  Catalog catalog;
  for (const fs::path& dir : dirs)
    for (const fs::path& file : manifests_in(dir)) {
      const std::string id = id_of(file);
      if (const Found* first = catalog.find(id)) {
        // The same folder reached twice is no conflict.
        std::error_code ec;
        if (fs::equivalent(first->manifest.file, file, ec)) continue;
        catalog.rejected_.push_back({file, id,
                                     fmt::format("a plugin \"{}\" was already found in {}", id,
                                                 first->manifest.file.parent_path().string()),
                                     "remove one of the two, or do not name its folder"});
        continue;
      }
      try {
        catalog.found_.push_back(examine(file, id));
      } catch (const Error& e) {
        catalog.rejected_.push_back({file, id, e.what(), e.hint()});
      }
    }
  std::sort(catalog.found_.begin(), catalog.found_.end(),
            [](const Found& a, const Found& b) { return a.manifest.id < b.manifest.id; });
  return catalog;
}

const Found* Catalog::find(std::string_view id) const {
  for (const Found& found : found_)
    if (found.manifest.id == id) return &found;
  return nullptr;
}

}  // namespace fusebox::plugin
