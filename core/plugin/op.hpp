// SPDX-License-Identifier: Apache-2.0
// The host's side of one call in flight.
#pragma once

#include "plugin/host.hpp"
#include "util/error.hpp"

#include <fusebox/plugin.h>

#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace fusebox::plugin {

struct InstanceState;

struct Failure {
  fbx_rc rc;
  std::string what;  // redacted
  std::string hint;  // redacted
};

// What a consumer of another plugin's service gets as `self`; see services.cpp.
struct Proxy {
  InstanceState* provider = nullptr;
  std::mutex mutex;
  std::optional<Failure> failure;  // of the last call through it
};

// The table that every plugin gets.
extern const fbx_host kHostTable;

}  // namespace fusebox::plugin

// An op outlives its call (the host keeps it), so that a plugin that calls back too late, or from
// a thread it left behind, meets a closed op and not freed memory.
struct fbx_op {
  fbx_op(fusebox::plugin::Host::Impl& h, fusebox::plugin::InstanceState& i,
         const fusebox::plugin::CallContext& c)
      : host(h), instance(i), context(&c), thread(std::this_thread::get_id()) {}

  // Ends the call: from here on the host's functions do nothing for this op.
  void close();

  fusebox::plugin::Host::Impl& host;
  fusebox::plugin::InstanceState& instance;
  std::mutex mutex;
  const fusebox::plugin::CallContext* context;  // null once closed
  const std::thread::id thread;
  std::optional<fusebox::plugin::Failure> failure;
  std::string violation;  // what the plugin did against the rules, empty: nothing
  std::deque<fusebox::plugin::Proxy> proxies;  // one for each service that it opened
};
