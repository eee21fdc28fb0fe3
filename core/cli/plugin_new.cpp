// SPDX-License-Identifier: Apache-2.0
#include "cli/context.hpp"
#include "cli/groups.hpp"
#include "cli/paths.hpp"
#include "run/exit_code.hpp"
#include "util/error.hpp"
#include "util/fs.hpp"
#include "util/text.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <map>
#include <regex>

namespace fusebox::cli {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t kLargestFile = 1U << 20U;

// <folder of the program>/../share/fusebox/template; a folder "<kind>-<language>" for each, and
// "common" for what all projects have.
fs::path template_dir() { return installed_preset_dir().parent_path() / "template"; }

struct Wanted {
  std::string id;
  std::string kind;
  std::string language;
};

std::vector<std::string> templates_there(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none))
    if (entry.is_directory() && entry.path().filename() != "common")
      names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

Wanted wanted(const Arguments& arguments, const std::vector<std::string>& there) {
  static const std::regex good("[a-z][a-z0-9-]*");
  Wanted found{arguments.positionals.front(), arguments.value("provides").value_or(""),
               arguments.value("language").value_or("c++")};
  if (!std::regex_match(found.id, good))
    throw Error(Errc::argument, fmt::format("\"{}\" is no id for a plugin", found.id),
                "lower-case letters, digits and -, a letter first: my-probe");
  if (there.empty())
    throw Error(Errc::not_found,
                fmt::format("there are no templates in {}", template_dir().string()),
                "install fusebox as a whole: `cmake --install` puts them there");
  const auto name = fmt::format("{}-{}", found.kind, found.language);
  if (std::find(there.begin(), there.end(), name) == there.end())
    throw Error(Errc::argument,
                found.kind.empty()
                    ? "what shall the plugin provide?"
                    : fmt::format("there is no template of --provides {} --language {}", found.kind,
                                  found.language),
                fmt::format("kind and language are one of {}", fmt::join(there, ", ")));
  return found;
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

// my-probe: MyProbe
std::string class_name(std::string_view id) {
  std::string name;
  bool upper = true;
  for (const char c : id) {
    if (c != '-') name += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = c == '-';
  }
  return name;
}

// In texts @id@ and PLUGIN_CLASS stand for the plugin's names, in file names "id" for the id and a
// leading "dot-" for a dot.
std::string named(std::string text, const Wanted& plugin) {
  replace_all(text, "@id@", plugin.id);
  replace_all(text, "PLUGIN_CLASS", class_name(plugin.id));
  return text;
}

fs::path target_name(const fs::path& relative, const Wanted& plugin) {
  fs::path target;
  for (const auto& part : relative) {
    std::string name = part.string();
    if (name.starts_with("dot-")) name.replace(0, 4, ".");
    if (name.starts_with("id.")) name.replace(0, 2, plugin.id);
    target /= name;
  }
  return target;
}

std::map<fs::path, std::string> files_of(const fs::path& templates, const Wanted& plugin) {
  std::map<fs::path, std::string> files;
  for (const auto& folder :
       {templates / "common", templates / fmt::format("{}-{}", plugin.kind, plugin.language)})
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      if (entry.is_regular_file())
        files[target_name(entry.path().lexically_relative(folder), plugin)] =
            named(util::read_file(entry.path(), kLargestFile), plugin);
  return files;
}

// Half a project over another is none: all is written, or nothing.
void refuse_existing(const fs::path& folder, const std::map<fs::path, std::string>& files) {
  for (const auto& [path, text] : files)
    if (fs::exists(fs::symlink_status(folder / path)))
      throw Error(Errc::conflict, fmt::format("{} is there already", (folder / path).string()),
                  "nothing was written: name another folder");
}

}  // namespace

int new_plugin(Context& context) {
  const Arguments& arguments = context.args();
  const auto templates = template_dir();
  const auto plugin = wanted(arguments, templates_there(templates));
  const auto& words = arguments.positionals;
  const fs::path folder =
      fs::weakly_canonical(fs::absolute(words.size() > 1 ? words[1] : plugin.id));
  if (fs::exists(folder) && !fs::is_directory(folder))
    throw Error(Errc::conflict, fmt::format("{} is no folder", folder.string()),
                "name a folder, or a path where one can be made");
  const auto files = files_of(templates, plugin);
  refuse_existing(folder, files);
  json::array names;
  for (const auto& [path, text] : files) {
    names.emplace_back(path.string());
    if (arguments.has("dry-run")) continue;
    fs::create_directories((folder / path).parent_path());
    const bool script = text.starts_with("#!");
    if (!util::write_new_file(folder / path, text, script ? 0755 : 0644))
      throw Error(Errc::conflict, fmt::format("{} has come meanwhile", (folder / path).string()),
                  "it was left as it is; name another folder");
  }
  Output& out = context.out();
  if (out.is_json()) {
    out.json(json::object{{"id", plugin.id},
                          {"provides", plugin.kind},
                          {"language", plugin.language},
                          {"folder", folder.string()},
                          {"files", std::move(names)}});
    return run::to_int(run::ExitCode::ok);
  }
  for (const auto& name : names) out.print("{}\n", std::string_view(name.get_string()));
  out.print(
      "\nWhat next\n  cd {}\n  cmake -B build -G Ninja && cmake --build build\n"
      "  ctest --test-dir build --output-on-failure\n",
      util::shell_word(folder.string()));
  return run::to_int(run::ExitCode::ok);
}

}  // namespace fusebox::cli
