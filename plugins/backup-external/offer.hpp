// SPDX-License-Identifier: Apache-2.0
// What the stack's store has, what the drive has, and so what a sync would do.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "common/json.hpp"
#include "common/retention.hpp"
#include "common/store/generations.hpp"

namespace fbx::external {

// As the stack's store lists them, newest first.
struct Offer {
  std::vector<store::Generation> generations;
  std::string where;
};
Offer ask_store(const Op& op);

struct Task {
  store::Generation generation;  // with the number that it gets on the drive
  bool heals = false;            // the drive has one of that name, which is not whole
};

struct Agenda {
  std::vector<Task> copy;  // newest first: when the drive is full or pulled, that is there
  std::uint64_t bytes = 0;
  std::vector<store::Generation> damaged;  // in the store, and not whole on the drive either
  std::vector<store::Generation> pins;     // on the drive; the store has a pin that it lacks
  std::vector<common::Verdict> remove;     // by the drive's own rules
  std::string newest;                      // of the store's whole ones
  std::size_t kept = 0;                    // on the drive, and no longer in the store
  std::size_t whole = 0;                   // on the drive
};

// `drive` is what its folder lists. Nothing of the drive is ever on the agenda because the store
// lacks it or has it damaged.
Agenda make_agenda(const Offer& offer, const std::vector<store::Generation>& drive,
                   const common::KeepPolicy& rules);

// What the rules say of these; empty rules keep all.
std::vector<common::Verdict> judge(const std::vector<store::Generation>& generations,
                                   const common::KeepPolicy& rules);

}  // namespace fbx::external
