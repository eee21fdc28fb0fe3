// SPDX-License-Identifier: Apache-2.0
// The templates that `fusebox init` makes a stack's folder from. A preset is a folder:
//
//   preset.toml    summary = "...", next = ["what to do first", ...]
//   files/         what goes into the stack's folder, at the same place below it
//
// In fusebox.toml, @name@ stands for the stack's name.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::cli {

struct Preset {
  std::string name;     // of its folder
  std::string summary;  // one line
  std::vector<std::string> next;
  std::filesystem::path files;
};

// Those of all folders, by name; of two with one name the first counts. A folder that is not there
// has none. Throws config::ConfigError for a preset.toml that is wrong.
std::vector<Preset> find_presets(std::span<const std::filesystem::path> folders);

// A file that a preset writes: where, and its text.
struct PresetFile {
  std::filesystem::path path;  // below the stack's folder
  std::string content;
};

// All files of a preset, by path. Throws Error{io}.
std::vector<PresetFile> preset_files(const Preset& preset, std::string_view stack);

// A stack's name made of a folder's: "My Stack" -> "my-stack"; "stack" when nothing is left.
std::string stack_name_of(std::string_view folder);

}  // namespace fusebox::cli
