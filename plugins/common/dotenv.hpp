// SPDX-License-Identifier: Apache-2.0
// Environment files in the grammar of Docker Compose: read, and written so that any value survives.
//
//   NAME=text            up to the line's end, or to " #"; outer white space goes; $ is replaced
//   NAME='text'          as it is, over several lines if need be; only \' stands for '
//   NAME="text"          escapes \n \r \t \\ \" \$ \a \b \f \v \0ddd; $ is replaced; several lines
//   NAME                 the value from the environment, when it has one
//   export NAME=text     the same as without `export`; NAME: text is the same as NAME=text
//   $VAR ${VAR} ${VAR:-default} ${VAR-default} ${VAR:?} ${VAR?} ${VAR:+other} ${VAR+other} $$
//
// Four choices are ours. A variable is looked up in the lines above first and then in the
// environment, so that the environment cannot change a secret that the file has. A name that is
// empty or a value that holds a NUL byte is an error. So is text right after a closing quote: it is
// the rest of a value with a quote inside. And no message ever quotes what the file says beside a
// name in front of `=`: any other text could be a part of a value.
#pragma once

#include "common/wiped.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace fbx::common {

struct Place {
  std::size_t line = 1;    // from 1
  std::size_t column = 1;  // from 1, in bytes
};

// what() is "<file>:<line>:<column>: <what>".
class DotenvError : public std::runtime_error {
 public:
  DotenvError(std::string_view file, Place place, std::string_view what);
  Place place() const noexcept { return place_; }

 private:
  Place place_;
};

struct DotenvEntry {
  std::string name;
  WipedText value;
  Place place;  // of the name
};

// Something that Compose would accept too, but that is hardly meant.
struct DotenvWarning {
  enum class Kind { unset_variable, set_twice };
  Kind kind;
  std::string name;  // of the entry
  std::string text;  // "<file>:<line>:<column>: <what>"
};

struct Dotenv {
  std::vector<DotenvEntry> entries;  // in the file's order; of a name set twice only the last
  std::vector<DotenvWarning> warnings;

  const DotenvEntry* find(std::string_view name) const;
};

using Environment = std::function<std::optional<std::string_view>(std::string_view name)>;

// The variables of this process.
std::optional<std::string_view> process_environment(std::string_view name);

// `file` is only for messages. Throws DotenvError.
Dotenv parse_dotenv(std::string_view text, std::string_view file,
                    const Environment& environment = process_environment);

// NAME='value' and a line break: read back, by parse_dotenv or by Compose, it gives exactly
// `value`. Throws std::invalid_argument for a NUL byte in `value`: no environment could carry it.
WipedText dotenv_line(std::string_view name, std::string_view value);

}  // namespace fbx::common
