// SPDX-License-Identifier: Apache-2.0
// fusebox's side of what is said on a lane: one call into an isolated plugin, and all that the
// plugin asks of fusebox until it returns. Knows sockets and the host's table, and no process.
#pragma once

#include "plugin/slots.hpp"
#include "plugin/wire.hpp"

#include <fusebox/host.h>

#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace fusebox::plugin {

// A service that a plugin opened during an op.
struct OpenedService {
  std::size_t interface;
  const void* table;
  fbx_instance* self;
};

// An op whose call is in another process.
struct LiveOp {
  fbx_op* op = nullptr;
  std::uint32_t number = 0;
  std::mutex mutex;
  std::vector<OpenedService> services;
};

// The ops of one process, by number. Thread-safe.
class LiveOps {
 public:
  std::shared_ptr<LiveOp> add(fbx_op* op);
  void remove(const LiveOp& op);
  // Null once it is over.
  std::shared_ptr<LiveOp> find(std::uint32_t number) const;
  // The one that began last; null when there is none.
  std::shared_ptr<LiveOp> newest() const;

 private:
  mutable std::mutex mutex_;
  std::uint32_t last_ = 0;
  std::map<std::uint32_t, std::shared_ptr<LiveOp>> ops_;
};

// How a call ended.
struct Result {
  fbx_rc rc;
  wire::Broke broke;
};

// Serves what the guest says on one socket. `host` is what a plugin in this process would get.
class Exchange {
 public:
  Exchange(wire::Channel& channel, wire::Waiter& waiter, const fbx_host& host)
      : channel_(channel), waiter_(waiter), host_(host) {}

  // After a Create or a Call was sent: serves the guest until it returns. Throws what Channel does.
  Result until_returned(LiveOp& op, fbx_sink sink);

  // A side lane: answers each of its messages, until the guest closes it.
  void serve_side(const LiveOps& ops);

 private:
  void serve(wire::Frame& frame, LiveOp* op);

  void note(const wire::Frame& frame, LiveOp* op);
  void checkpoint(const wire::Frame& frame, LiveOp& op);
  void secret_get(const wire::Frame& frame, LiveOp& op);
  void secret_put(const wire::Frame& frame, LiveOp& op);
  void service_open(const wire::Frame& frame, LiveOp& op);
  void service_providers(const wire::Frame& frame, LiveOp& op);
  void service_failure(const wire::Frame& frame, LiveOp& op);
  void service_call(wire::Frame& frame, LiveOp& op);
  void process_run(const wire::Frame& frame, LiveOp& op);

  void answer(fbx_rc rc, std::string_view bytes = {}, std::uint32_t value = 0);
  template <class Table>
  const Table* service(LiveOp& op, std::string_view id);
  static std::uint32_t keep(LiveOp& op, const OpenedService& service);
  static OpenedService opened(LiveOp& op, std::uint32_t number);

  wire::Channel& channel_;
  wire::Waiter& waiter_;
  const fbx_host& host_;
};

}  // namespace fusebox::plugin
