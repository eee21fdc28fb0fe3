// SPDX-License-Identifier: Apache-2.0
// versions.lock: the images of a stack, one NAME=reference per line. Compose reads it as an env
// file.
//
//   # comments and blank lines stay
//   LANGFUSE_WEB_IMAGE=docker.langfuse.com/langfuse/langfuse:4.16.0@sha256:<64 hex digits>
//
// The digest is appended after the first pull; from then on the engine itself enforces it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fbx::compose {

struct LockEntry {
  std::string name;
  std::string value;
  std::size_t line = 0;  // from 1
};

struct LockFile {
  std::vector<LockEntry> entries;  // in the file's order
  const LockEntry* find(std::string_view name) const;
};

// Throws Error{FBX_CONFIG} with "<file>:<line>: ..." for a line that is not NAME=value, a name set
// twice, or a value that Compose would read as something else (quotes, $, white space).
LockFile parse_lock(std::string_view text, const std::string& file);
LockFile read_lock(const std::filesystem::path& file);

// An image reference in its parts: "host/path:tag@sha256:...".
struct Reference {
  std::string name;    // without tag and digest
  std::string tag;     // may be empty
  std::string digest;  // "sha256:...", may be empty
};
Reference parse_reference(std::string_view text);

// `text` with new values for some names; every other byte stays.
std::string with_values(std::string_view text, const std::map<std::string, std::string>& values);

// Replaces the file in one step: temporary file, fsync, rename, fsync of the folder; the mode
// stays. Throws Error{FBX_IO}.
void write_atomically(const std::filesystem::path& file, std::string_view content);

// The whole file. Throws Error{FBX_CONFIG} when it is not there, Error{FBX_IO}.
std::string read_text(const std::filesystem::path& file);

}  // namespace fbx::compose
