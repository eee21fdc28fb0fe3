// SPDX-License-Identifier: Apache-2.0
// Runs a program in a running container, with descriptors for its input and output.
#pragma once

#include <string>
#include <vector>

#include "common/docker/engine.hpp"
#include "common/wiped.hpp"

namespace fbx::docker {

struct Exec {
  std::string container;  // its id
  std::vector<std::string> command;
  std::vector<common::WipedText> environment;  // "NAME=value", beside the container's own
  std::string user;                            // empty: the container's
  std::string folder;                          // empty: the container's
  bool tty = false;
};

// The program's exit code, once it has ended and all its output is written. -1 for a descriptor:
// no input, or output that nobody wants. With `tty`, `in` is switched to raw mode for the time if
// it is a terminal, and stdout and stderr are one. When the op is cancelled or its deadline passes,
// the program loses its input and output; an engine cannot end it otherwise.
// Throws as Engine's methods do; Error{FBX_NOT_FOUND} when there is no such program.
int run_exec(Engine& engine, const Exec& exec, int in, int out, int err);

}  // namespace fbx::docker
