// SPDX-License-Identifier: Apache-2.0
#include "cli/paths.hpp"

#include "util/error.hpp"

#include <unistd.h>
#include <cerrno>
#include <cstdlib>
#if defined(__APPLE__)
#include <mach-o/dyld.h>
#endif

namespace fusebox::cli {

namespace fs = std::filesystem;

namespace {

std::optional<fs::path> home_based(const char* variable, const char* below_home) {
  // The XDG rules: a relative path is no path.
  if (const auto dir = environment(variable); dir && dir->front() == '/')
    return fs::path(*dir) / "fusebox";
  if (const auto home = environment("HOME")) return fs::path(*home) / below_home / "fusebox";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == 0) return std::nullopt;
  return value;
}

std::vector<fs::path> split_path(std::string_view text) {
  std::vector<fs::path> parts;
  while (!text.empty()) {
    const auto part = text.substr(0, text.find(':'));
    if (!part.empty()) parts.emplace_back(part);
    text.remove_prefix(std::min(part.size() + 1, text.size()));
  }
  return parts;
}

fs::path executable() {
#if defined(__APPLE__)
  std::uint32_t size = 0;
  _NSGetExecutablePath(nullptr, &size);
  std::string path(size, '\0');
  if (_NSGetExecutablePath(path.data(), &size) != 0)
    throw system_error("find", "the fusebox program", ENOENT);
  return fs::canonical(path.c_str());
#else
  std::error_code error;
  auto path = fs::read_symlink("/proc/self/exe", error);
  if (error)
    throw system_error("read the link", "/proc/self/exe", error.value(), "is /proc mounted?");
  return path;
#endif
}

fs::path installed_plugin_dir() {
  return (executable().parent_path() / ".." / FUSEBOX_LIBDIR / "fusebox" / "plugins")
      .lexically_normal();
}

fs::path installed_preset_dir() {
  return (executable().parent_path() / ".." / FUSEBOX_DATADIR / "fusebox" / "presets")
      .lexically_normal();
}

std::optional<fs::path> user_data_dir() { return home_based("XDG_DATA_HOME", ".local/share"); }

fs::path trusted_folders_file() {
  const auto dir = home_based("XDG_CONFIG_HOME", ".config");
  if (!dir) {
    throw Error(Errc::not_found, "there is no home folder to keep trusted folders in",
                "set HOME or XDG_CONFIG_HOME");
  }
  return *dir / "trusted-folders";
}

}  // namespace fusebox::cli
