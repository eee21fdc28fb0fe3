// SPDX-License-Identifier: Apache-2.0
// What `up` is going to do, and everything that could be refused, found out without any effect.
#pragma once

#include "lifecycle.hpp"

namespace runtime_process {

struct Move {
  enum class Kind { keep, start, restart } kind = Kind::keep;
  const Service* service = nullptr;
  Definition definition;
  std::string why;  // restart: the reason
  bool creates_volume = false;
  bool runs_init = false;
};

struct Outline {
  std::vector<Move> moves;            // in order of dependency
  std::vector<std::string> left_out;  // optional services whose program is not installed
};

enum class Volumes { create, must_exist };

// The services named, or all, and what they depend on. Throws fbx::Error with every problem found:
// programs, users, folders, free space, ports.
Outline outline_up(const Settings& settings, const std::vector<std::string>& services,
                   Volumes volumes);

// "start postgres on port 15432", one line per effect.
std::vector<std::string> describe(const Outline& outline);

// The named services in order of dependency, without what they depend on; all when none is named.
std::vector<const Service*> select(const Settings& settings,
                                   const std::vector<std::string>& services);

}  // namespace runtime_process
