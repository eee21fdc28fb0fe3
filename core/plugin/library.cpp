// SPDX-License-Identifier: Apache-2.0
#define BOOST_DLL_USE_STD_FS
#include "plugin/library.hpp"

#include "plugin/trust.hpp"
#include "util/error.hpp"

#include <fmt/format.h>

#include <boost/dll/shared_library.hpp>
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

[[noreturn]] void refuse(const Found& found, Errc code, const std::string& why, std::string hint) {
  throw Error(code,
              fmt::format("plugin \"{}\" ({}) {}", found.manifest.id, found.library.string(), why),
              std::move(hint));
}

boost::dll::shared_library& open(const Found& found) {
  namespace dll = boost::dll;
  try {
    return keep(dll::shared_library(found.library.string(),
                                    dll::load_mode::rtld_now | dll::load_mode::rtld_local));
  } catch (const std::exception& e) {
    refuse(found, Errc::unsupported, fmt::format("cannot be loaded: {}", e.what()),
           "it was built for another system, or a library that it needs is missing");
  }
}

void check_entry(const Found& found, const fbx_entry& entry) {
  const std::string rebuild = "build it against this fusebox's SDK, with fusebox_add_plugin()";
  if (entry.magic != FBX_MAGIC)
    refuse(found, Errc::unsupported,
           fmt::format("has a bad entry record (magic {:#010x})", entry.magic), rebuild);
  if (entry.struct_size < sizeof(fbx_entry))
    refuse(found, Errc::unsupported,
           fmt::format("has an entry record of {} bytes, at least {} are needed", entry.struct_size,
                       sizeof(fbx_entry)),
           rebuild);
  if (entry.plugin == nullptr)
    refuse(found, Errc::unsupported, "has an entry record without a plugin", rebuild);
  const fbx_plugin& plugin = *entry.plugin;
  if (plugin.struct_size < sizeof(fbx_plugin))
    refuse(found, Errc::unsupported,
           fmt::format("has a plugin record of {} bytes, at least {} are needed",
                       plugin.struct_size, sizeof(fbx_plugin)),
           rebuild);
  if (plugin.create == nullptr || plugin.destroy == nullptr || plugin.get_interface == nullptr)
    refuse(found, Errc::unsupported, "lacks create, destroy or get_interface", rebuild);
  if (plugin.manifest_toml == nullptr || found.manifest.text != plugin.manifest_toml)
    refuse(found, Errc::config,
           fmt::format("was built with another manifest than {}",
                       found.manifest.file.filename().string()),
           "install the library and the manifest of one build together");
}

}  // namespace

const fbx_plugin& load_library(const Found& found) {
  check_trusted(found.library);
  boost::dll::shared_library& library = open(found);
  if (!library.has(kSymbol))
    refuse(found, Errc::unsupported, fmt::format("does not export {}", kSymbol),
           "it is no fusebox plugin, or one for another major version of the ABI");
  const auto& entry = library.get<const fbx_entry>(kSymbol);
  check_entry(found, entry);
  return *entry.plugin;
}

}  // namespace fusebox::plugin
