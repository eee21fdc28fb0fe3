// SPDX-License-Identifier: Apache-2.0
// git's pre-commit hook.
#pragma once

#include <filesystem>
#include <string>

#include "security/repository.hpp"

namespace fusebox::scan {

enum class Hook {
  none,
  ours,
  framework,       // the pre-commit framework's, and its configuration names us
  framework_bare,  // the framework's, which does not know us
  foreign,
  not_executable,  // ours, but git would pass it by
};

Hook hook_state(const Repository& repository);
std::filesystem::path hook_path(const Repository& repository);

// What the hook is made of; `program` is tried first, then what PATH has.
std::string hook_text(const std::filesystem::path& program);

// True when it was written or changed. Throws fbx::Error{FBX_CONFLICT} rather than touch another's.
bool install_hook(const Repository& repository, const std::filesystem::path& program);

}  // namespace fusebox::scan
