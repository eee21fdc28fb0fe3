// SPDX-License-Identifier: Apache-2.0
// Where fusebox itself and the user's own files are.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::cli {

// An environment variable; nothing when it is absent or empty.
std::optional<std::string> environment(const char* name);

// "a:b" -> {"a", "b"}; empty parts are left out.
std::vector<std::filesystem::path> split_path(std::string_view text);

// This program's own file, links resolved. Throws Error{io}.
std::filesystem::path executable();

// <folder of the program>/../lib/fusebox/plugins.
std::filesystem::path installed_plugin_dir();

// <folder of the program>/../share/fusebox/presets.
std::filesystem::path installed_preset_dir();

// $XDG_DATA_HOME/fusebox, else ~/.local/share/fusebox; nothing without a home.
std::optional<std::filesystem::path> user_data_dir();

// $XDG_CONFIG_HOME/fusebox/trusted-folders, else under ~/.config. Throws Error{not_found} without a
// home.
std::filesystem::path trusted_folders_file();

}  // namespace fusebox::cli
