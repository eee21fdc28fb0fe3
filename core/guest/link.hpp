// SPDX-License-Identifier: Apache-2.0
// What a plugin in this process may ask of fusebox: fbx_host and the host's services, each a
// message on the lane of the op, or on a side lane for a thread of the plugin's own.
#pragma once

#include "plugin/slots.hpp"
#include "plugin/wire.hpp"

#include <fusebox/host.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace fusebox::guest {

// fusebox takes its time; that it is gone ends the process.
class EndlessWait : public plugin::wire::Waiter {
 public:
  void wait(int fd, short events, bool within_frame) override;
};

// The way to fusebox beside the lanes that it opened.
class Link {
 public:
  explicit Link(plugin::wire::Channel& control) : control_(control) {}

  // A side lane of the caller's until it gives it back; waits while all are taken.
  plugin::wire::Channel take();
  void give_back(plugin::wire::Channel lane);

 private:
  plugin::wire::Channel& control_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<plugin::wire::Channel> free_;
  std::size_t opened_ = 0;
};

struct Op;

// Another plugin's service, as the plugin here has it.
struct Service {
  Op* op;
  std::uint32_t number;
  std::size_t interface;
};

// One call in flight; what the plugin sees as fbx_op.
struct Op {
  using Clock = std::chrono::steady_clock;

  Op(Link& way, std::uint32_t op_number, std::optional<Clock::time_point> end,
     plugin::wire::Channel& op_lane, int cancel_pipe)
      : link(way), number(op_number), deadline(end), lane(&op_lane), cancel(cancel_pipe) {}

  Link& link;
  const std::uint32_t number;
  const std::optional<Clock::time_point> deadline;
  const std::thread::id thread = std::this_thread::get_id();
  std::mutex mutex;
  plugin::wire::Channel* lane;  // null once the call has returned
  int cancel;
  std::deque<Service> services;
  std::exception_ptr broken;  // what ended the conversation on the lane

  fbx_op* handle() { return reinterpret_cast<fbx_op*>(this); }
  void close();
};

// What the plugin gets as its host.
extern const fbx_host kHost;

}  // namespace fusebox::guest
