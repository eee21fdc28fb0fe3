// SPDX-License-Identifier: Apache-2.0
#include "plugin/isolated.hpp"

#include "plugin/host_impl.hpp"
#include "util/clock.hpp"
#include "util/sigpipe.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace fusebox::plugin {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kFrameTime = 5s;    // for the rest of a message that has begun
constexpr auto kDestroyTime = 1s;  // for destroy(), and again for the process to end
constexpr auto kMostPoll = 60'000ms;

constexpr const char* kPluginBug = "this is a bug of that plugin: report it to its author";

// A call that did not heed its deadline or its cancellation.
struct Overdue {
  Errc code;
  std::chrono::milliseconds patience;
};

struct Limits {
  std::optional<Clock::time_point> deadline;
  const util::CancelToken* cancel = nullptr;
  // Less than the caller's, who should hear how it ended before it stops waiting.
  std::chrono::milliseconds patience{0};
};

Limits limits_of(fbx_op* op) {
  const std::lock_guard lock(op->mutex);
  if (op->context == nullptr) throw Error(Errc::argument, "the op of this call is over");
  return {op->context->deadline, op->context->cancel, op->context->grace * 3 / 4};
}

std::int64_t left_us(const Limits& limits) {
  if (!limits.deadline) return -1;
  const auto left =
      std::chrono::duration_cast<std::chrono::microseconds>(*limits.deadline - Clock::now());
  return std::max<std::int64_t>(0, left.count());
}

std::string_view fault_text(wire::Broke broke) {
  switch (broke) {
    case wire::Broke::let_exception_out:
      return "let an exception out";
    case wire::Broke::gave_no_instance:
      return "said that it made an instance, but gave none";
    case wire::Broke::wrote_elsewhere:
      return "wrote its result from a thread that does not run the op";
    case wire::Broke::nothing:
      break;
  }
  return {};
}

// An op is live while this is.
class Lived {
 public:
  Lived(LiveOps& ops, fbx_op* op) : ops_(ops), live_(ops.add(op)) {}
  ~Lived() { ops_.remove(*live_); }
  Lived(const Lived&) = delete;
  Lived& operator=(const Lived&) = delete;
  LiveOp& op() const { return *live_; }

 private:
  LiveOps& ops_;
  std::shared_ptr<LiveOp> live_;
};

struct Forward {
  static fbx_rc call(fbx_instance* self, fbx_op* op, std::uint8_t slot, const SlotCall& call) {
    return Isolated::call(self, op, slot, call);
  }
};

}  // namespace

// ---- Waiting for a guest ------------------------------------------------------------------------

// Passes the operator's wish on, and gives the guest up when it is not heeded.
class Isolated::OpWait : public wire::Waiter {
 public:
  OpWait(const Limits& limits, int cancel_pipe) : limits_(limits), pipe_(cancel_pipe) {}

  void wait(int fd, short events, bool within_frame) override {
    forgive_own_time();
    const auto stall = Clock::now() + kFrameTime;
    for (;;) {
      const auto now = Clock::now();
      look(now);
      if (give_up_ && now >= *give_up_) throw Overdue{why_, limits_.patience};
      if (within_frame && now >= stall)
        throw wire::ProtocolError("stopped in the middle of a message");
      pollfd entries[] = {
          {fd, events, 0},
          {limits_.cancel == nullptr || told_ ? -1 : limits_.cancel->fd(), POLLIN, 0}};
      ::poll(entries, 2, timeout(now, within_frame ? stall : Clock::time_point::max()));
      if (entries[0].revents != 0) break;
    }
    returned_ = Clock::now();
  }

  bool told() const { return told_; }

 private:
  void look(Clock::time_point now) {
    if (!told_ && limits_.cancel != nullptr && limits_.cancel->cancelled()) {
      told_ = true;
      const util::NoSigpipe guard;  // the guest may have closed its end
      [[maybe_unused]] const ssize_t n = ::write(pipe_, "", 1);
      end(now, Errc::cancelled);
    }
    if (limits_.deadline && now >= *limits_.deadline) end(now, Errc::timeout);
  }

  void end(Clock::time_point now, Errc why) {
    if (give_up_) return;
    give_up_ = now + limits_.patience;
    why_ = why;
  }

  // What we did for the guest ourselves must not cost it all of its time; but once only, or it
  // could keep us busy for ever.
  void forgive_own_time() {
    const auto now = Clock::now();
    if (!give_up_ || forgiven_ || now < *give_up_ || now - returned_ < 10ms) return;
    give_up_ = now + limits_.patience / 4;
    forgiven_ = true;
  }

  int timeout(Clock::time_point now, Clock::time_point stall) const {
    auto until = std::min(now + kMostPoll, stall);
    if (give_up_)
      until = std::min(until, *give_up_);
    else if (limits_.deadline)
      until = std::min(until, *limits_.deadline);
    return static_cast<int>(std::max<std::int64_t>(
        0, std::chrono::ceil<std::chrono::milliseconds>(until - now).count()));
  }

  Limits limits_;
  int pipe_;
  bool told_ = false;
  bool forgiven_ = false;
  std::optional<Clock::time_point> give_up_;
  Errc why_ = Errc::cancelled;
  Clock::time_point returned_ = Clock::now();
};

// ---- Lanes --------------------------------------------------------------------------------------

Isolated::Lane& Isolated::take_lane() {
  {
    const std::lock_guard lock(mutex_);
    for (Lane& lane : lanes_)
      if (std::exchange(lane.is_free, false)) return lane;
  }
  GuestProcess::LaneEnds ends = process_->open_lane();
  process_->watch(ends.socket.get());
  const std::lock_guard lock(mutex_);
  return lanes_.emplace_back(Lane{wire::Channel(std::move(ends.socket)), std::move(ends.cancel)});
}

void Isolated::give_back(Lane& lane, bool is_used_up) {
  const std::lock_guard lock(mutex_);
  if (!is_used_up) {
    lane.is_free = true;
    return;
  }
  process_->unwatch(lane.channel.fd());
  lanes_.remove_if([&](const Lane& one) { return &one == &lane; });
}

template <class Body>
fbx_rc Isolated::on_lane(fbx_op* op, Body&& body) {
  fbx_rc rc = FBX_INTERNAL;
  const fbx_rc own = answer(op, [&] {
    const Limits limits = limits_of(op);
    // Live until all is told, for the last words of a process are its op's too.
    const Lived lived(process_->ops(), op);
    try {
      Lane& lane = take_lane();
      OpWait waiter(limits, lane.cancel.get());
      try {
        const Result result = body(lane, waiter, lived.op());
        rc = result.rc;
        if (result.broke != wire::Broke::nothing) op->violation = fault_text(result.broke);
      } catch (...) {
        give_back(lane, true);
        throw;
      }
      give_back(lane, waiter.told());
    } catch (const Overdue& overdue) {
      process_->kill("did not heed the end of another call");
      throw late(overdue.code, overdue.patience);
    } catch (const wire::ProtocolError& error) {
      process_->kill(error.what());
      throw died();
    } catch (const wire::Closed&) {
      throw died();
    }
  });
  return own != FBX_OK ? own : rc;
}

Error Isolated::late(Errc code, std::chrono::milliseconds patience) const {
  const bool is_late = code == Errc::timeout;
  return {code,
          fmt::format("plugin \"{}\" did not end within {} of {}, and its process was killed",
                      found_.manifest.id, util::human_duration(patience),
                      is_late ? "its deadline" : "being told to stop"),
          is_late ? "raise the timeout if it only needs longer; a plugin that ignores its deadline "
                    "has a bug"
                  : "a plugin that ignores cancellation has a bug: report it to its author"};
}

Error Isolated::died() const {
  return {Errc::internal,
          fmt::format("the process of plugin \"{}\" {}", found_.manifest.id, process_->obituary()),
          process_->foreign_signal() == SIGKILL
              ? "perhaps the system ran out of memory: see its log"
              : kPluginBug};
}

// ---- Life ---------------------------------------------------------------------------------------

Isolated::Isolated(const std::filesystem::path& program, const Found& found)
    : found_(found), process_(GuestProcess::start(program)) {
  for (std::size_t i = 0; i < faces_.size(); ++i) {
    faces_[i].guest = this;
    faces_[i].interface = i;
  }
}

Isolated::~Isolated() {
  if (created_ && alive()) destroy();
  process_->dismiss();
  if (!process_->wait_until(Clock::now() + kDestroyTime)) {
    process_->kill("did not end");
    process_->wait_until(Clock::now() + kFrameTime);
  }
  for (const Lane& lane : lanes_) process_->unwatch(lane.channel.fd());
}

void Isolated::destroy() {
  try {
    Lane& lane = take_lane();
    OpWait waiter({Clock::now() + kDestroyTime, nullptr, 0ms}, -1);
    lane.channel.send(wire::Destroy{}, waiter);
    wire::decode<wire::Returned>(lane.channel.receive(waiter));
  } catch (...) {
    // It has had its time: the process ends now, whatever it does.
    process_->kill("did not end");
  }
}

void Isolated::load(Lane& lane, OpWait& waiter, const LibraryCopy& library) {
  const std::string shown = found_.library.string();
  const std::string name = found_.manifest.file.filename().string();
  const std::string opened = library.fd() < 0 ? library.path().string() : "";
  wire::Load message;
  message.id = found_.manifest.id;
  message.shown = shown;
  message.opened = opened;
  message.manifest_name = name;
  message.manifest_text = found_.manifest.text;
  const int fds[] = {library.fd()};
  lane.channel.send(message, waiter, std::span<const int>(fds, library.fd() < 0 ? 0 : 1));
  const wire::Frame frame = lane.channel.receive(waiter);
  const auto loaded = wire::decode<wire::Loaded>(frame);
  if (loaded.rc == FBX_OK) return;
  if (loaded.rc < FBX_OK || loaded.rc > FBX_REFUSED)
    throw wire::ProtocolError("said no result code");
  throw Error(static_cast<Errc>(loaded.rc), std::string(loaded.what), std::string(loaded.hint));
}

fbx_rc Isolated::create(fbx_op* op, const LibraryCopy& library, std::string_view context_json,
                        const std::vector<std::string>& interfaces) {
  return on_lane(op, [&](Lane& lane, OpWait& waiter, LiveOp& live) {
    load(lane, waiter, library);
    wire::Create message;
    message.op = live.number;
    message.left_us = left_us(limits_of(op));
    message.context = context_json;
    lane.channel.send(message, waiter);
    const fbx_sink nothing{nullptr, [](void*, fbx_span) -> std::int32_t { return FBX_ARGUMENT; }};
    const Result result = Exchange(lane.channel, waiter, kHostTable).until_returned(live, nothing);
    if (result.rc != FBX_OK || result.broke != wire::Broke::nothing) return result;
    created_ = true;
    for (const std::string& id : interfaces) describe(lane, waiter, id);
    return result;
  });
}

// The table of stubs, as long as the guest's own and with its holes.
void Isolated::describe(Lane& lane, OpWait& waiter, const std::string& id) {
  wire::Describe message;
  message.interface = id;
  lane.channel.send(message, waiter);
  const auto described = wire::decode<wire::Described>(lane.channel.receive(waiter));
  if (described.present == 0) return;
  provided_.insert(id);
  const std::size_t number = interface_number(id);
  if (number == kInterfaces.size()) return;
  const InterfaceInfo& interface = kInterfaces[number];
  auto& table = faces_[number].table;
  table.resize((interface.size + 7) / 8);
  auto* bytes = reinterpret_cast<char*>(table.data());
  std::memcpy(bytes, kForwardTables<Forward>[number], interface.size);
  const std::uint32_t size = std::min(described.size, static_cast<std::uint32_t>(interface.size));
  std::memcpy(bytes, &size, sizeof size);
  for (std::size_t slot = 0; slot < interface.slots.size(); ++slot)
    if ((described.slots >> slot & 1U) == 0)
      std::memset(bytes + 8 + slot * sizeof(void (*)()), 0, sizeof(void (*)()));
}

const void* Isolated::table(std::string_view interface_id) const {
  const std::size_t number = interface_number(interface_id);
  if (number == faces_.size() || faces_[number].table.empty()) return nullptr;
  return faces_[number].table.data();
}

fbx_instance* Isolated::self(std::string_view interface_id) const {
  // The functions of the table alone look behind the pointer.
  return reinterpret_cast<fbx_instance*>(
      const_cast<Face*>(&faces_[interface_number(interface_id)]));
}

fbx_rc Isolated::call(fbx_instance* self, fbx_op* op, std::uint8_t slot, const SlotCall& call) {
  const Face& face = *reinterpret_cast<const Face*>(self);
  Isolated& guest = *face.guest;
  return guest.on_lane(op, [&](Lane& lane, OpWait& waiter, LiveOp& live) {
    wire::Call message;
    message.op = live.number;
    message.left_us = left_us(limits_of(op));
    message.interface = static_cast<std::uint8_t>(face.interface);
    message.slot = slot;
    message.request = view(call.request);
    lane.channel.send(message, waiter, call.fds);
    return Exchange(lane.channel, waiter, kHostTable).until_returned(live, call.sink);
  });
}

}  // namespace fusebox::plugin
