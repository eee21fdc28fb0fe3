// SPDX-License-Identifier: Apache-2.0
// Versions of the two applications: as the stack's file of versions pins them, as they answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace fbx::langfuse {

// What the file pins; "" where it pins nothing that says a version.
struct Locked {
  std::string web;
  std::string worker;
};

// "docker.langfuse.com/langfuse/langfuse:4.16.0@sha256:..." -> "4.16.0"; "" without a tag.
std::string tag_of(std::string_view image);

// Reads `file` in the grammar of environment files. An empty name of a file: nothing is pinned.
// Throws Error{FBX_CONFIG} when it cannot be read.
Locked read_locked(const std::string& file, std::string_view web_key, std::string_view worker_key);

// Is `running` what `locked` asks for? "4" asks for any 4.x. A "v" in front does not count.
bool is_locked_version(std::string_view running, std::string_view locked);

// What it means that `to` comes after `from`. none: the same, or one of them is no number.
enum class Change { none, update, downgrade, major_downgrade };
Change change_between(std::string_view from, std::string_view to);

// An error when the file pins two versions, a warning for a tag that moves.
void judge_locked(const Locked& locked, common::Result& result);

}  // namespace fbx::langfuse
