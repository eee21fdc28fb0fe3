// SPDX-License-Identifier: Apache-2.0
#include "cli/presets.hpp"

#include "config/config_error.hpp"
#include "config/reader.hpp"
#include "config/toml_text.hpp"
#include "util/fs.hpp"

#include <algorithm>

namespace fusebox::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t largest_file = std::size_t{4} << 20U;

Preset read_preset(const fs::path& folder) {
  const auto file = folder / "preset.toml";
  const auto root = config::parse_toml(config::read_text(file, {}), file.string());
  std::vector<config::Problem> problems;
  config::TableReader reader(*root.get_if<config::Table>(), root.origin, "", problems);
  Preset preset{folder.filename().string(), {}, {}, folder / "files"};
  if (const auto* summary = reader.required_text("summary", "summary = \"what it is\""))
    preset.summary = *summary;
  preset.next = reader.texts("next");
  reader.finish();
  if (!problems.empty()) throw config::ConfigError(std::move(problems));
  return preset;
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

}  // namespace

std::vector<Preset> find_presets(std::span<const fs::path> folders) {
  std::vector<Preset> presets;
  for (const auto& folder : folders) {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder, none)) {
      const auto name = entry.path().filename().string();
      const bool known = std::any_of(presets.begin(), presets.end(),
                                     [&](const auto& other) { return other.name == name; });
      if (!known && fs::is_regular_file(entry.path() / "preset.toml"))
        presets.push_back(read_preset(entry.path()));
    }
  }
  std::sort(presets.begin(), presets.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return presets;
}

std::vector<PresetFile> preset_files(const Preset& preset, std::string_view stack) {
  std::vector<PresetFile> files;
  for (const auto& entry : fs::recursive_directory_iterator(preset.files)) {
    if (!entry.is_regular_file()) continue;
    PresetFile file{entry.path().lexically_relative(preset.files),
                    util::read_file(entry.path(), largest_file)};
    if (file.path == "fusebox.toml") replace_all(file.content, "@name@", stack);
    files.push_back(std::move(file));
  }
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

std::string stack_name_of(std::string_view folder) {
  std::string name;
  for (const char c : folder) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool good = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
    if (good)
      name += lower;
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.empty() ? "stack" : name;
}

}  // namespace fusebox::cli
