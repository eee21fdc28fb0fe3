// SPDX-License-Identifier: Apache-2.0
// The template: which name comes from which reference. No value of a secret is in it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "reference.hpp"

namespace secrets_1password {

struct TemplateEntry {
  std::string name;
  Pieces pieces;
  std::string where;  // file:line

  // op://Prod/langfuse/salt, or several, or "plain text"
  std::string origin() const;
  bool has_reference() const;
};

struct SecretTemplate {
  std::vector<TemplateEntry> entries;
  std::vector<std::string> warnings;

  const TemplateEntry* find(std::string_view name) const;
};

// Reads an environment file in Compose's grammar. ${VAULT} is `vault` when that is not empty; other
// variables come from the lines above and the environment, and as in 1Password, upper and lower
// case are the same there. Throws fbx::Error: FBX_NOT_FOUND without such a file, FBX_CONFIG with
// file:line for every other mistake, a variable that is not set included.
SecretTemplate read_template(const std::filesystem::path& file, const std::string& vault);

}  // namespace secrets_1password
