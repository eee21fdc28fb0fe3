// SPDX-License-Identifier: Apache-2.0
// One plugin's shared library, opened and checked.
#pragma once

#include "plugin/catalog.hpp"

#include <fusebox/plugin.h>

namespace fusebox::plugin {

// Opens the library (now, local, never unloaded) and checks its entry record before any function
// of it runs: magic, sizes, no missing function, and that the manifest inside is the file's, byte
// for byte. Throws Error that names the file and what is wrong with it. The record is static data
// of the library and stays valid for ever.
const fbx_plugin& load_library(const Found& found);

}  // namespace fusebox::plugin
