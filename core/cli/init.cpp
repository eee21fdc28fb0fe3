// SPDX-License-Identifier: Apache-2.0
#include "cli/context.hpp"
#include "cli/groups.hpp"
#include "cli/paths.hpp"
#include "cli/presets.hpp"
#include "config/config_error.hpp"
#include "report/table.hpp"
#include "run/exit_code.hpp"
#include "util/error.hpp"
#include "util/fs.hpp"
#include "util/text.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>

namespace fusebox::cli {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

constexpr int fine = run::to_int(run::ExitCode::ok);
constexpr std::size_t largest_file = std::size_t{16} << 20U;

// What became of one file of the preset.
struct Made {
  enum class How { written, unchanged, kept, planned };
  fs::path path;
  How how;
};

std::string_view name_of(Made::How how) {
  switch (how) {
    case Made::How::written:
      return "written";
    case Made::How::unchanged:
      return "unchanged";
    case Made::How::kept:
      return "kept";
    case Made::How::planned:
      break;
  }
  return "would_write";
}

std::vector<Preset> all_presets() {
  std::vector<fs::path> folders{installed_preset_dir()};
  if (const auto data = user_data_dir()) folders.push_back(*data / "presets");
  auto presets = find_presets(folders);
  if (presets.empty())
    throw Error(Errc::not_found, fmt::format("there is no preset in {}", folders.front().string()),
                "install fusebox as a whole: `cmake --install` puts presets beside the program");
  return presets;
}

std::string names_of(const std::vector<Preset>& presets) {
  std::vector<std::string_view> names;
  for (const auto& preset : presets) names.emplace_back(preset.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

const Preset& chosen(const std::vector<Preset>& presets, const Arguments& arguments) {
  const auto name = arguments.value("preset");
  if (!name)
    throw Error(Errc::argument, "which preset?",
                fmt::format("--preset is one of {}; --list says what they are", names_of(presets)));
  const auto found = std::find_if(presets.begin(), presets.end(),
                                  [&](const auto& preset) { return preset.name == *name; });
  if (found != presets.end()) return *found;
  throw Error(Errc::argument, fmt::format("there is no preset \"{}\"", *name),
              fmt::format("there are {}", names_of(presets)));
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

Made::How compare(const fs::path& file, const std::string& content) {
  std::error_code ignored;
  const bool same =
      fs::is_regular_file(file, ignored) && util::read_file(file, largest_file) == content;
  return same ? Made::How::unchanged : Made::How::kept;
}

// A folder with a stack of its own is left alone as a whole: two halves make no stack.
void refuse_other_stack(const fs::path& folder, const std::vector<PresetFile>& files) {
  for (const auto& file : files) {
    if (file.path != "fusebox.toml" || !is_there(folder / file.path)) continue;
    if (compare(folder / file.path, file.content) == Made::How::unchanged) return;
    throw Error(Errc::conflict, fmt::format("{} has a fusebox.toml already", folder.string()),
                "nothing was written: name another folder");
  }
}

Made make(const fs::path& folder, const PresetFile& file, bool dry) {
  const auto target = folder / file.path;
  if (is_there(target)) return {file.path, compare(target, file.content)};
  if (dry) return {file.path, Made::How::planned};
  fs::create_directories(target.parent_path());
  if (util::write_new_file(target, file.content, 0644)) return {file.path, Made::How::written};
  return {file.path, compare(target, file.content)};
}

void print(Context& context, const Preset& preset, const fs::path& folder, const std::string& stack,
           const std::vector<Made>& made) {
  Output& out = context.out();
  if (out.is_json()) {
    json::array files;
    for (const auto& file : made)
      files.push_back({{"path", file.path.string()}, {"state", name_of(file.how)}});
    out.json(json::object{{"preset", preset.name},
                          {"folder", folder.string()},
                          {"stack", stack},
                          {"files", std::move(files)},
                          {"next", json::value_from(preset.next)}});
    return;
  }
  for (const auto& file : made) {
    const auto color = file.how == Made::How::kept ? Color::yellow : Color::green;
    const auto state = fmt::format("{:<12}", name_of(file.how));
    out.print("{}{}\n", out.paint(color, state), file.path.string());
  }
  if (std::any_of(made.begin(), made.end(),
                  [](const auto& file) { return file.how == Made::How::kept; }))
    out.note("kept: a file of yours with another content is there; compare it with the preset's");
  out.write("\nWhat next\n");
  if (folder != fs::current_path()) out.print("  cd {}\n", util::shell_word(folder.string()));
  for (const auto& line : preset.next) out.print("  {}\n", line);
}

int list(Context& context, const std::vector<Preset>& presets) {
  Output& out = context.out();
  json::array objects;
  report::Table table({"PRESET", "WHAT"});
  for (const auto& preset : presets) {
    objects.push_back({{"name", preset.name}, {"summary", preset.summary}});
    table.add({preset.name, preset.summary});
  }
  if (out.is_json())
    out.json(json::object{{"presets", std::move(objects)}});
  else
    out.write(table.str());
  return fine;
}

}  // namespace

int init_stack(Context& context) {
  const auto presets = all_presets();
  const Arguments& arguments = context.args();
  if (arguments.has("list")) return list(context, presets);
  const Preset& preset = chosen(presets, arguments);
  const fs::path named = arguments.positionals.empty() ? "." : arguments.positionals.front();
  const fs::path folder = fs::weakly_canonical(fs::absolute(named));
  if (is_there(folder) && !fs::is_directory(folder))
    throw Error(Errc::argument, fmt::format("{} is no folder", folder.string()),
                "name a folder, or a path where one can be made");
  const auto stack = arguments.value("name").value_or(stack_name_of(folder.filename().string()));
  if (stack != stack_name_of(stack))
    throw Error(Errc::argument, fmt::format("\"{}\" is no name for a stack", stack),
                fmt::format("letters a to z, digits and -: {}", stack_name_of(stack)));
  const auto files = preset_files(preset, stack);
  refuse_other_stack(folder, files);
  std::vector<Made> made;
  for (const auto& file : files) made.push_back(make(folder, file, arguments.has("dry-run")));
  print(context, preset, folder, stack, made);
  return fine;
}

}  // namespace fusebox::cli
