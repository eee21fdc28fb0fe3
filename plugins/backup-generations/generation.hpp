// SPDX-License-Identifier: Apache-2.0
// One generation of the store, as its manifest tells it.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <fusebox/plugin.hpp>
#include <string>
#include <vector>

#include "common/json.hpp"
#include "common/transfer.hpp"

namespace fbx::backup {

// A source as it lies in a generation.
struct Stored {
  std::string name;
  std::string instance;
  std::string service;
  std::string file;
  std::int64_t bytes = 0;
  boost::json::object counts;
  boost::json::object facts;
  boost::json::object digests;

  // What snapshot.h's inspect, stage and count want to know of it.
  boost::json::object request() const;
};

struct Generation {
  std::string name;
  std::string time;     // RFC 3339
  std::string problem;  // empty: none that the store sees
  boost::json::object manifest;

  std::vector<Stored> sources() const;  // in the order of their capture
};

// "latest" is the newest without a problem, but never one that a restore made of what it was about
// to replace: who restores again after a failure means the same generation as before. Throws
// Error{FBX_NOT_FOUND}.
Generation find_generation(const Op& op, const std::string& name);

// A file of a generation, from the store to `read`.
common::Transfer fetch(const Op& op, const std::string& generation, const Stored& source,
                       const std::function<std::string(int fd)>& read);

// By which a key is known again: who has the key can compute it, and it tells nothing of the key.
std::string fingerprint(std::string_view key, const std::string& generation);

// The keys that the configuration names for fingerprints, by name.
boost::json::object fingerprints(const Op& op, const boost::json::object& config,
                                 const std::string& generation);

}  // namespace fbx::backup
