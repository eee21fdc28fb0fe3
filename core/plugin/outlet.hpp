// SPDX-License-Identifier: Apache-2.0
// The far end of a sink: what is written here goes to the other process, which says after each
// piece whether it wants more.
#pragma once

#include "plugin/wire.hpp"
#include "util/error.hpp"

#include <fusebox/plugin.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>

namespace fusebox::plugin::wire {

// Of one call, on the thread that made it.
class Outlet {
 public:
  enum class Mode { collect, stream };  // small answers go with the call's own; or each at once

  Outlet(Channel& channel, Waiter& waiter, std::uint8_t sink, Mode mode)
      : channel_(channel), waiter_(waiter), number_(sink), mode_(mode) {}
  ~Outlet() { util::wipe(held_); }
  Outlet(const Outlet&) = delete;
  Outlet& operator=(const Outlet&) = delete;

  fbx_sink sink() {
    return {this, [](void* self, fbx_span bytes) -> std::int32_t {
              return static_cast<Outlet*>(self)->take(bytes);
            }};
  }
  // What did not go yet.
  std::string_view rest() const { return held_; }
  bool wrote_elsewhere() const { return wrote_elsewhere_; }
  // The connection broke within a write: nothing can be said over it any more.
  bool broken() const { return error_ != nullptr; }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  // Called by code that knows no exceptions.
  std::int32_t take(fbx_span bytes) noexcept {
    if (std::this_thread::get_id() != thread_) {
      wrote_elsewhere_ = true;
      return FBX_ARGUMENT;
    }
    if (error_) return FBX_INTERNAL;
    if (refused_) return *refused_;
    try {
      std::string_view text(reinterpret_cast<const char*>(bytes.ptr), bytes.ptr ? bytes.len : 0);
      if (mode_ == Mode::collect && text.size() <= kMaxPiece - held_.size()) {
        held_.append(text);
        return FBX_OK;
      }
      pass(held_);
      util::wipe(held_);
      for (; !text.empty() && !refused_; text.remove_prefix(std::min(text.size(), kMaxPiece)))
        pass(text.substr(0, kMaxPiece));
      return refused_.value_or(FBX_OK);
    } catch (...) {
      error_ = std::current_exception();
      return FBX_INTERNAL;
    }
  }

  void pass(std::string_view piece) {
    if (piece.empty() || refused_) return;
    Write message;
    message.sink = number_;
    message.bytes = piece;
    channel_.send(message, waiter_);
    const Frame frame = channel_.receive(waiter_);
    if (const std::int32_t rc = decode<Ack>(frame).rc; rc != FBX_OK) refused_ = rc;
  }

  Channel& channel_;
  Waiter& waiter_;
  std::uint8_t number_;
  Mode mode_;
  std::thread::id thread_ = std::this_thread::get_id();
  std::string held_;
  std::optional<std::int32_t> refused_;
  std::atomic<bool> wrote_elsewhere_{false};
  std::exception_ptr error_;
};

// Hands a Write to the sink that it is for, and says what the sink said.
inline void take_write(Channel& channel, Waiter& waiter, const Frame& frame,
                       std::span<const fbx_sink> sinks) {
  const auto write = decode<Write>(frame);
  if (write.sink >= sinks.size() || write.bytes.size() > kMaxPiece)
    throw ProtocolError("wrote to a sink that there is none of");
  const fbx_sink& sink = sinks[write.sink];
  Ack ack;
  ack.rc = sink.write(
      sink.ctx, {reinterpret_cast<const std::uint8_t*>(write.bytes.data()), write.bytes.size()});
  channel.send(ack, waiter);
}

}  // namespace fusebox::plugin::wire
