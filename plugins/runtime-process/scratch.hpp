// SPDX-License-Identifier: Apache-2.0
// A scratch stack: the services of the config beside the live ones, under another name, in folders
// and on ports of their own.
//
// A port is chosen once and is then on record, in <state_dir>/ports.json, so that every later
// command knows it. Numbers of the live stack are not taken, also while it does not run.
#pragma once

#include "definition.hpp"

namespace runtime_process {

// Renames the stack to settings.scratch, and moves its folders, before anything else is derived
// from them.
void move_scratch(Settings& settings);

// Gives every service free ports: those on record as long as nobody else has them.
void take_scratch_ports(Settings& settings);

// Puts the ports on record; nothing to do for a live stack.
void keep_scratch_ports(const Settings& settings);

// Removes that record, when nothing of the scratch stack is left that it would be about.
void forget_scratch_ports(const Settings& settings);

// Throws fbx::Error{config} for a definition that mentions a port of the live stack: what runs here
// must not reach it.
void refuse_live_ports(const Settings& settings, const Definition& definition);

}  // namespace runtime_process
