// SPDX-License-Identifier: Apache-2.0
#define BOOST_DLL_USE_STD_FS
#include "plugin/library.hpp"

#include "plugin/library_copy.hpp"
#include "plugin/trust.hpp"
#include "util/error.hpp"

#include <fmt/format.h>

#include <boost/dll/shared_library.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace fusebox::plugin {

namespace {

constexpr const char* kSymbol = "fusebox_plugin_entry_v1";

// Code of an unloaded plugin may still be on a stack, in an exit handler or in a thread, so nothing
// is ever unloaded: the handles live in a list that is never destroyed.
boost::dll::shared_library& keep(boost::dll::shared_library library) {
  static std::mutex mutex;
  static auto& kept = *new std::vector<std::unique_ptr<boost::dll::shared_library>>;
  const std::lock_guard lock(mutex);
  kept.push_back(std::make_unique<boost::dll::shared_library>(std::move(library)));
  return *kept.back();
}

[[noreturn]] void refuse(const LibraryFile& file, Errc code, const std::string& why,
                         std::string hint) {
  throw Error(code, fmt::format("plugin \"{}\" ({}) {}", file.id, file.shown.string(), why),
              std::move(hint));
}

boost::dll::shared_library& open(const LibraryFile& file) {
  namespace dll = boost::dll;
  try {
    return keep(dll::shared_library(file.opened.string(),
                                    dll::load_mode::rtld_now | dll::load_mode::rtld_local));
  } catch (const std::exception& e) {
    refuse(file, Errc::unsupported, fmt::format("cannot be loaded: {}", e.what()),
           "it was built for another system, or a library that it needs is missing");
  }
}

LibraryFile file_of(const Found& found, const std::filesystem::path& opened) {
  return {found.manifest.id, found.library, opened, found.manifest.file.filename().string(),
          found.manifest.text};
}

// A name under /proc/self/fd must not come to mean another library, so a copy in memory stays, and
// each that is equal to one before is that one.
const fbx_plugin& load_copy(const Found& found, std::unique_ptr<LibraryCopy> copy) {
  static std::mutex mutex;
  static auto& kept = *new std::map<std::string, std::unique_ptr<LibraryCopy>>;
  const std::string key = found.manifest.id + ' ' + copy->sha256();
  const std::lock_guard lock(mutex);
  if (copy->fd() < 0) return open_library(file_of(found, copy->path()));
  const auto& used = *kept.try_emplace(key, std::move(copy)).first->second;
  return open_library(file_of(found, used.path()));
}

void check_entry(const LibraryFile& file, const fbx_entry& entry) {
  const std::string rebuild = "build it against this fusebox's SDK, with fusebox_add_plugin()";
  if (entry.magic != FBX_MAGIC)
    refuse(file, Errc::unsupported,
           fmt::format("has a bad entry record (magic {:#010x})", entry.magic), rebuild);
  if (entry.struct_size < sizeof(fbx_entry))
    refuse(file, Errc::unsupported,
           fmt::format("has an entry record of {} bytes, at least {} are needed", entry.struct_size,
                       sizeof(fbx_entry)),
           rebuild);
  if (entry.plugin == nullptr)
    refuse(file, Errc::unsupported, "has an entry record without a plugin", rebuild);
  const fbx_plugin& plugin = *entry.plugin;
  if (plugin.struct_size < sizeof(fbx_plugin))
    refuse(file, Errc::unsupported,
           fmt::format("has a plugin record of {} bytes, at least {} are needed",
                       plugin.struct_size, sizeof(fbx_plugin)),
           rebuild);
  if (plugin.create == nullptr || plugin.destroy == nullptr || plugin.get_interface == nullptr)
    refuse(file, Errc::unsupported, "lacks create, destroy or get_interface", rebuild);
  if (plugin.manifest_toml == nullptr || file.manifest_text != plugin.manifest_toml)
    refuse(file, Errc::config,
           fmt::format("was built with another manifest than {}", file.manifest_name),
           "install the library and the manifest of one build together");
}

}  // namespace

const fbx_plugin& open_library(const LibraryFile& file) {
  boost::dll::shared_library& library = open(file);
  if (!library.has(kSymbol))
    refuse(file, Errc::unsupported, fmt::format("does not export {}", kSymbol),
           "it is no fusebox plugin, or one for another major version of the ABI");
  const auto& entry = library.get<const fbx_entry>(kSymbol);
  check_entry(file, entry);
  return *entry.plugin;
}

const fbx_plugin& load_library(const Found& found) {
  check_trusted(found.library);
  return open_library(file_of(found, found.library));
}

const fbx_plugin& load_library(const Found& found, const PluginLock& pins) {
  if (!pins.has_pin(found.manifest.id)) return load_library(found);
  check_trusted(found.library);
  auto copy = std::make_unique<LibraryCopy>(found.library);
  pins.verify(found, *copy);
  return load_copy(found, std::move(copy));
}

}  // namespace fusebox::plugin
