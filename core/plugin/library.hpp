// SPDX-License-Identifier: Apache-2.0
// One plugin's shared library, opened and checked.
#pragma once

#include "plugin/catalog.hpp"

#include <fusebox/plugin.h>

#include <filesystem>
#include <string>

namespace fusebox::plugin {

class PluginLock;

// A library to be opened, and what it should be.
struct LibraryFile {
  std::string id;
  std::filesystem::path shown;   // for messages
  std::filesystem::path opened;  // the same, or a copy of it
  std::string manifest_name;     // for messages
  std::string manifest_text;
};

// Opens the library (now, local, never unloaded) and checks its entry record before any function
// of it runs: magic, sizes, no missing function, and that the manifest inside is the file's, byte
// for byte. Throws Error that names the file and what is wrong with it. The record is static data
// of the library and stays valid for ever.
const fbx_plugin& open_library(const LibraryFile& file);

// The same, once its file is seen to be nobody else's to change.
const fbx_plugin& load_library(const Found& found);

// The same, and a plugin that is pinned runs as what was compared with its pin.
const fbx_plugin& load_library(const Found& found, const PluginLock& pins);

}  // namespace fusebox::plugin
