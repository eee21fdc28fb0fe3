// SPDX-License-Identifier: Apache-2.0
// ${name} and ${name:argument} in configured text.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace runtime_process {

// Gives the text for a reference; `argument` is what follows the colon, references in it already
// expanded. Throws to refuse.
using Lookup = std::function<std::string(std::string_view name, std::string_view argument)>;

// Replaces every reference; "$${" stands for a plain "${". `where` names the text in errors.
// Throws fbx::Error{config} for a reference that does not end.
std::string expand(std::string_view text, std::string_view where, const Lookup& lookup);

// The same, but leaves references to secrets (${secret:...}, ${sha256:...}) as they are, for
// expand_secrets() later.
std::string expand_but_secrets(std::string_view text, std::string_view where, const Lookup& lookup);

// Replaces ${secret:NAME} by what `value_of` gives, and ${sha256:...} by the hash of its argument.
std::string expand_secrets(std::string_view text, std::string_view where,
                           const std::function<std::string(std::string_view name)>& value_of);

// Does the text refer to a secret?
bool mentions_secret(std::string_view text);

}  // namespace runtime_process
