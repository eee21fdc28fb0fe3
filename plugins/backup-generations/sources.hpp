// SPDX-License-Identifier: Apache-2.0
// What a stack's snapshot plugins offer.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <fusebox/plugin.hpp>
#include <string>
#include <vector>

namespace fbx::backup {

struct Source {
  std::string instance;  // the plugin instance that captures it
  std::string name;
  std::string kind;
  std::string file;
  std::string service;
  std::int64_t order = 0;
  std::int64_t bytes = 0;  // an estimate
  std::vector<std::string> pause;
  std::vector<std::string> by_hand;
};

struct LeftOut {
  std::string instance;
  std::string why;
};

struct Offer {
  std::vector<Source> sources;  // in the order of capture
  std::vector<LeftOut> left_out;
};

// Asks all of them. One that answers FBX_SKIPPED is left out; any other failure is thrown: a backup
// without a part that should be there is none.
Offer ask_sources(const Op& op);

// Asks all of them, in no order; whoever cannot answer goes to `silent`, whatever the reason.
std::vector<Source> ask_each(const Op& op, std::vector<LeftOut>& silent);

// The instances' names alone, without asking them.
std::vector<std::string> snapshot_instances(const Op& op);

}  // namespace fbx::backup
