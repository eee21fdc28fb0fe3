// SPDX-License-Identifier: Apache-2.0
// Small words of the configuration language: names, quoting, paths.
#pragma once

#include "config/value.hpp"

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fusebox::config {

// "text" in quotes, with control characters escaped, and cut when it is long: for error texts.
std::string quote(std::string_view text);

// quote() of each, with ", " between.
std::string quote_all(std::span<const std::string> words);

// [a-z][a-z0-9-]*: plugins, instances, phases, verbs, commands.
bool is_name(std::string_view text);
// [a-z0-9][a-z0-9_-]*: stacks.
bool is_stack_name(std::string_view text);
// [A-Za-z_][A-Za-z0-9_]*: secrets and environment variables.
bool is_secret_name(std::string_view text);
// <vendor>.<area>/<revision>, "fusebox.runtime/1".
bool is_interface_id(std::string_view text);

// A secret handle as TOML writes it, { secret = "NAME" }: the name; nothing when it is not one.
std::optional<std::string> secret_handle(const Value& value);

// The path that `text`, written at `origin`, means: "~" is the home folder, and a relative path
// starts at the folder of the file it stands in; of --set, at the current folder. What stands
// elsewhere (a default, the environment) starts at `fallback`'s file. Absolute and normal.
std::filesystem::path resolve_path(std::string_view text, const Origin& origin,
                                   const Origin& fallback);

}  // namespace fusebox::config
