// SPDX-License-Identifier: Apache-2.0
#include "security/hook.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.hpp"

namespace fs = std::filesystem;

namespace fusebox::scan {

namespace {

constexpr const char* mark = "# Written by `fusebox security init`";
constexpr const char* remedy =
    "add this line to it: fusebox scan --staged . || exit 1\n"
    "or move it away and run `fusebox security init` again";
constexpr std::size_t most = std::size_t{1} << 20U;

std::string quoted(const std::string& path) {
  std::string out = "'";
  for (const char c : path) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

bool names_us(const Repository& repository) {
  const fs::path file = repository.top() / ".pre-commit-config.yaml";
  if (!fs::is_regular_file(file)) return false;
  const std::string text = fbx::common::read_file(file, most);
  return text.find("fusebox-scan") != text.npos || text.find("fusebox scan") != text.npos;
}

}  // namespace

fs::path hook_path(const Repository& repository) { return repository.hooks() / "pre-commit"; }

std::string hook_text(const fs::path& program) {
  return fmt::format(
      "#!/bin/sh\n"
      "{}: no commit adds a secret. `fusebox security test` proves it.\n"
      "program={}\n"
      "[ -x \"$program\" ] || program=fusebox\n"
      "exec \"$program\" scan --staged .\n",
      mark, quoted(program.string()));
}

Hook hook_state(const Repository& repository) {
  const fs::path path = hook_path(repository);
  std::error_code error;
  if (!fs::exists(fs::symlink_status(path, error))) return Hook::none;
  if (!fs::is_regular_file(path, error)) return Hook::foreign;
  const std::string text = fbx::common::read_file(path, most);
  if (text.find("pre-commit.com") != text.npos || text.find("pre_commit") != text.npos)
    return names_us(repository) ? Hook::framework : Hook::framework_bare;
  const bool calls =
      text.find(mark) != text.npos || text.find("fusebox scan --staged") != text.npos;
  if (!calls) return Hook::foreign;
  return ::access(path.c_str(), X_OK) == 0 ? Hook::ours : Hook::not_executable;
}

bool install_hook(const Repository& repository, const fs::path& program) {
  const fs::path path = hook_path(repository);
  const std::string wanted = hook_text(program);
  switch (hook_state(repository)) {
    case Hook::framework:
      return false;
    case Hook::framework_bare:
      throw fbx::Error(
          FBX_CONFLICT,
          fmt::format("{} is the pre-commit framework's, which does not run fusebox",
                      path.string()),
          "add the hook fusebox-scan to .pre-commit-config.yaml; docs/SCANNER.md has it");
    case Hook::foreign:
      throw fbx::Error(FBX_CONFLICT, fmt::format("{} is another's hook", path.string()), remedy);
    case Hook::ours:
    case Hook::not_executable: {
      const std::string text = fbx::common::read_file(path, most);
      if (text.find(mark) == text.npos) return false;  // another's, with our line in it
      if (text == wanted && ::access(path.c_str(), X_OK) == 0) return false;
      break;
    }
    case Hook::none:
      break;
  }
  fs::create_directories(path.parent_path());
  fbx::common::write_file(path, wanted);
  if (::chmod(path.c_str(), 0755) != 0)
    throw fbx::common::io_error("making executable", path, errno);
  return true;
}

}  // namespace fusebox::scan
