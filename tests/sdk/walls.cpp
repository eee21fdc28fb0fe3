// SPDX-License-Identifier: Apache-2.0
#include "walls.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace fs = std::filesystem;

namespace walls {
namespace {

constexpr size_t line_limit = 600;
const std::set<std::string> source_folders = {"sdk", "core", "plugins", "tests", "cmake"};
const std::set<std::string> code_extensions = {".c", ".h", ".cpp", ".hpp", ".inc"};

// What each room may include, besides itself; util is open to all.
const std::map<std::string, std::set<std::string>> may_use = {
    {"util", {}},
    {"config", {}},
    {"secrets", {}},
    {"report", {}},
    {"plugin", {"config", "secrets"}},
    {"plan", {"config", "plugin", "secrets"}},
    {"run", {"config", "plugin", "plan", "secrets", "report"}},
    {"cli", {"config", "plugin", "plan", "run", "secrets", "report"}},
};

bool is_code(const fs::path& file) { return code_extensions.count(file.extension().string()) == 1; }

std::vector<fs::path> files_under(const fs::path& folder) {
  std::vector<fs::path> found;
  if (!fs::exists(folder)) return found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<std::string> lines_of(const fs::path& file) {
  std::ifstream in(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The same lines with comments blanked out. A // or /* within a string literal is not a comment.
std::vector<std::string> code_of(const fs::path& file) {
  std::vector<std::string> lines = lines_of(file);
  bool in_block = false;
  for (auto& line : lines) {
    bool in_string = false;
    for (size_t i = 0; i < line.size(); ++i) {
      if (in_block) {
        if (line.compare(i, 2, "*/") == 0) in_block = false;
        line[i] = ' ';
      } else if (in_string) {
        if (line[i] == '\\')
          ++i;
        else if (line[i] == '"')
          in_string = false;
      } else if (line[i] == '"') {
        in_string = true;
      } else if (line.compare(i, 2, "//") == 0) {
        line.resize(i);
      } else if (line.compare(i, 2, "/*") == 0) {
        in_block = true;
      }
    }
  }
  return lines;
}

std::string at(const fs::path& root, const fs::path& file, size_t line) {
  return fmt::format("{}:{}", fs::relative(file, root).generic_string(), line + 1);
}

// Calls `visit(file, line number, path between the quotes or brackets)` for each #include.
template <class Visit>
void for_each_include(const fs::path& folder, Visit visit) {
  static const std::regex include(R"(^\s*#\s*include\s*["<]([^">]+)[">])");
  for (const auto& file : files_under(folder)) {
    if (!is_code(file)) continue;
    const auto lines = lines_of(file);
    for (size_t i = 0; i < lines.size(); ++i) {
      std::smatch match;
      if (std::regex_search(lines[i], match, include)) visit(file, i, match[1].str());
    }
  }
}

// The room that an include path leads to, "" when it is not one of core/.
std::string room_of(const std::string& include) {
  std::string path = include;
  if (path.rfind("core/", 0) == 0) path.erase(0, 5);
  const std::string first = path.substr(0, path.find('/'));
  return path != first && may_use.count(first) == 1 ? first : "";
}

}  // namespace

Offences plugin_wall(const fs::path& root) {
  Offences found;
  for (const char* folder : {"plugins", "sdk"}) {
    for_each_include(
        root / folder, [&](const fs::path& file, size_t line, const std::string& path) {
          const bool in_core = path.find("core/") != path.npos || fs::exists(root / "core" / path);
          const bool own = fs::exists(file.parent_path() / path);
          if (in_core && !own) {
            found.push_back(fmt::format("{}: includes {} of core/", at(root, file, line), path));
          }
        });
    const std::regex room_target(R"(\bfusebox_(util|config|plugin|plan|run|secrets|report|cli)\b)");
    for (const auto& file : files_under(root / folder)) {
      if (file.filename() != "CMakeLists.txt") continue;
      const auto lines = lines_of(file);
      for (size_t i = 0; i < lines.size(); ++i) {
        if (std::regex_search(lines[i], room_target)) {
          found.push_back(fmt::format("{}: links a room of core/", at(root, file, i)));
        }
      }
    }
  }
  return found;
}

Offences core_wall(const fs::path& root) {
  Offences found;
  std::vector<std::string> ids;
  for (const auto& entry : fs::directory_iterator(root / "plugins")) {
    if (entry.is_directory() && entry.path().filename() != "common") {
      ids.push_back(entry.path().filename().string());
    }
  }
  for (const auto& file : files_under(root / "core")) {
    const auto lines = is_code(file) ? code_of(file) : lines_of(file);
    for (size_t i = 0; i < lines.size(); ++i) {
      for (const auto& id : ids) {
        if (lines[i].find(id) != std::string::npos) {
          found.push_back(fmt::format("{}: names the plugin {}", at(root, file, i), id));
        }
      }
    }
  }
  return found;
}

Offences room_wall(const fs::path& root) {
  Offences found;
  for (const auto& [room, allowed] : may_use) {
    for_each_include(
        root / "core" / room, [&, &room = room, &allowed = allowed](
                                  const fs::path& file, size_t line, const std::string& path) {
          const std::string target = room_of(path);
          if (target.empty() ? (room == "util" && path.rfind("fusebox/", 0) == 0)
                             : (target != room && target != "util" && allowed.count(target) == 0)) {
            found.push_back(fmt::format("{}: {} may not use {}", at(root, file, line), room, path));
          }
        });
  }
  return found;
}

Offences file_rules(const fs::path& root) {
  Offences found;
  const std::regex unfinished(fmt::format(R"(\b({}DO|FIX{}|XX{})\b)", "TO", "ME", "X"));
  for (const auto& folder : source_folders) {
    for (const auto& file : files_under(root / folder)) {
      const bool script = file.extension() == ".sh" || file.extension() == ".py";
      if (!is_code(file) && !script && file.extension() != ".cmake" &&
          file.filename() != "CMakeLists.txt") {
        continue;
      }
      const auto lines = lines_of(file);
      const std::string name = fs::relative(file, root).generic_string();
      if (lines.size() > line_limit) {
        found.push_back(fmt::format("{}: {} lines, {} at most", name, lines.size(), line_limit));
      }
      const size_t top = script ? 1 : 0;
      if ((is_code(file) || script) &&
          (lines.size() <= top ||
           lines[top].find("SPDX-License-Identifier: Apache-2.0") == std::string::npos)) {
        found.push_back(fmt::format("{}: no SPDX line on line {}", name, top + 1));
      }
      for (size_t i = 0; i < lines.size(); ++i) {
        if (std::regex_search(lines[i], unfinished)) {
          found.push_back(fmt::format("{}: unfinished", at(root, file, i)));
        }
      }
    }
  }
  return found;
}

Offences shell_rules(const fs::path& root) {
  Offences found;
  const std::regex runs_shell(R"(\b(popen|system)\s*\()");
  for (const auto* folder : {"core", "plugins"}) {
    for (const auto& file : files_under(root / folder)) {
      if (!is_code(file)) continue;
      const auto lines = code_of(file);
      for (size_t i = 0; i < lines.size(); ++i)
        if (std::regex_search(lines[i], runs_shell))
          found.push_back(fmt::format("{}: runs a shell", at(root, file, i)));
    }
  }
  const std::regex names_bash(R"(\bbash\b)");
  for (const auto* folder : {"cmake", "tests", "compose", "configs"}) {
    for (const auto& file : files_under(root / folder)) {
      const bool script = file.extension() == ".sh";
      if (!script && file.extension() != ".yml" && file.extension() != ".toml") continue;
      const auto lines = lines_of(file);
      for (size_t i = 0; i < lines.size(); ++i) {
        const bool first = script && i == 0 && lines[i] != "#!/bin/sh";
        const bool comment = lines[i].find_first_not_of(' ') == lines[i].find('#');
        if (first || (!script && !comment && std::regex_search(lines[i], names_bash)))
          found.push_back(fmt::format("{}: needs a shell beyond POSIX", at(root, file, i)));
      }
    }
  }
  return found;
}

}  // namespace walls
