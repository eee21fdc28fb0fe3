// SPDX-License-Identifier: Apache-2.0
#include "guest/link.hpp"

#include "plugin/outlet.hpp"
#include "util/wipe.hpp"

#include <poll.h>

#include <array>

namespace fusebox::guest {

namespace wire = plugin::wire;

namespace {

std::string_view view(fbx_str text) {
  return text.ptr == nullptr ? std::string_view{} : std::string_view{text.ptr, text.len};
}
std::string_view view(fbx_span bytes) {
  return {reinterpret_cast<const char*>(bytes.ptr), bytes.ptr == nullptr ? 0 : bytes.len};
}
std::string_view short_view(fbx_str text) { return view(text).substr(0, wire::kMaxText); }

fbx_span span(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

Op& op_of(fbx_op* op) { return *reinterpret_cast<Op*>(op); }

const fbx_sink kNoSink{nullptr, [](void*, fbx_span) -> std::int32_t { return FBX_ARGUMENT; }};

// What fusebox answered, apart from what went into sinks.
struct Reply {
  fbx_rc rc = FBX_INTERNAL;
  std::uint32_t value = 0;
};

// `sinks`: the result's first, which also gets what came with the answer.
Reply await(wire::Channel& channel, std::span<const fbx_sink> sinks) {
  EndlessWait waiter;
  for (;;) {
    const wire::Frame frame = channel.receive(waiter);
    if (frame.type == wire::Type::write) {
      wire::take_write(channel, waiter, frame, sinks);
      continue;
    }
    const auto answer = wire::decode<wire::Answer>(frame);
    Reply reply{answer.rc, answer.value};
    if (answer.bytes.empty()) return reply;
    if (sinks.empty()) throw wire::ProtocolError("answered with a result that nobody asked for");
    const fbx_rc taken = sinks[0].write(sinks[0].ctx, span(answer.bytes));
    if (reply.rc == FBX_OK && taken != FBX_OK) reply.rc = taken;
    return reply;
  }
}

enum class Answered { always, on_side_lanes };

// Says `message` on the right lane, and waits for the answer where there is one. Never throws: its
// callers are the plugin's.
template <class M>
Reply say(Op& op, M message, Answered answered, std::span<const fbx_sink> sinks = {},
          std::span<const int> fds = {}) noexcept {
  message.op = op.number;
  EndlessWait waiter;
  const bool is_own = std::this_thread::get_id() == op.thread;
  try {
    if (is_own) {
      if (op.lane == nullptr) return {FBX_ARGUMENT};  // only this thread ever closes it
      if (op.broken) return {FBX_INTERNAL};
      op.lane->send(message, waiter, fds);
      return answered == Answered::always ? await(*op.lane, sinks) : Reply{FBX_OK};
    }
    wire::Channel side = op.link.take();
    side.send(message, waiter, fds);
    const Reply reply = await(side, sinks);
    op.link.give_back(std::move(side));
    return reply;
  } catch (const Error& error) {
    return {static_cast<fbx_rc>(error.code())};
  } catch (...) {
    if (is_own) op.broken = std::current_exception();
    return {FBX_INTERNAL};
  }
}

// ---- fbx_host -----------------------------------------------------------------------------------

void log(fbx_op* op, std::int32_t level, fbx_str text) {
  wire::Log message;
  message.level = level;
  message.text = short_view(text);
  say(op_of(op), message, Answered::on_side_lanes);
}

fbx_rc fail(fbx_op* op, fbx_rc rc, fbx_str what, fbx_str hint) {
  wire::Fail message;
  message.rc = rc;
  message.what = short_view(what);
  message.hint = short_view(hint);
  say(op_of(op), message, Answered::on_side_lanes);
  return rc;
}

void progress(fbx_op* op, std::uint64_t done, std::uint64_t total, fbx_str unit, fbx_str what) {
  wire::Progress message;
  message.done = done;
  message.total = total;
  message.unit = short_view(unit);
  message.what = short_view(what);
  say(op_of(op), message, Answered::on_side_lanes);
}

std::int32_t cancelled(fbx_op* handle) {
  Op& op = op_of(handle);
  const std::lock_guard lock(op.mutex);
  if (op.lane == nullptr) return 1;
  if (op.deadline && Op::Clock::now() >= *op.deadline) return 1;
  pollfd entry{op.cancel, POLLIN, 0};
  return ::poll(&entry, 1, 0) > 0 ? 1 : 0;
}

std::int32_t cancel_fd(fbx_op* handle) {
  Op& op = op_of(handle);
  const std::lock_guard lock(op.mutex);
  return op.lane == nullptr ? -1 : op.cancel;
}

std::int64_t remaining_ms(fbx_op* handle) {
  Op& op = op_of(handle);
  const std::lock_guard lock(op.mutex);
  if (op.lane == nullptr) return 0;
  if (!op.deadline) return -1;
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(*op.deadline - Op::Clock::now());
  return std::max<std::int64_t>(0, left.count());
}

fbx_rc checkpoint(fbx_op* op, fbx_str json) {
  wire::Checkpoint message;
  message.json = view(json);
  return say(op_of(op), message, Answered::always).rc;
}

// ---- fusebox.host.secret/1 ----------------------------------------------------------------------

fbx_rc secret_get(fbx_op* op, fbx_str name, fbx_sink value) {
  wire::SecretGet message;
  message.name = view(name);
  return say(op_of(op), message, Answered::always, {&value, 1}).rc;
}

fbx_rc secret_put(fbx_op* op, fbx_str name, fbx_span value) {
  wire::SecretPut message;
  message.name = view(name);
  message.value = view(value);
  return say(op_of(op), message, Answered::always).rc;
}

constexpr fbx_host_secret_v1 kSecretTable = {sizeof(fbx_host_secret_v1), 0, secret_get, secret_put};

// ---- fusebox.host.service/1 ---------------------------------------------------------------------

struct Forward {
  static fbx_rc call(fbx_instance* self, fbx_op* op, std::uint8_t slot,
                     const plugin::SlotCall& call) {
    wire::ServiceCall message;
    message.service = reinterpret_cast<const Service*>(self)->number;
    message.slot = slot;
    message.request = view(call.request);
    return say(op_of(op), message, Answered::always, {&call.sink, 1}, call.fds).rc;
  }
};

fbx_rc open(fbx_op* handle, wire::ServiceOpen message, fbx_str id, const void** table,
            fbx_instance** self) {
  Op& op = op_of(handle);
  message.interface = view(id);
  const Reply reply = say(op, message, Answered::always);
  if (reply.rc != FBX_OK) return reply.rc;
  const std::size_t number = plugin::interface_number(view(id));
  if (number == plugin::kInterfaces.size()) return FBX_UNSUPPORTED;
  const std::lock_guard lock(op.mutex);
  *table = plugin::kForwardTables<Forward>[number];
  *self =
      reinterpret_cast<fbx_instance*>(&op.services.emplace_back(Service{&op, reply.value, number}));
  return FBX_OK;
}

fbx_rc service_open(fbx_op* op, fbx_str id, const void** table, fbx_instance** self) {
  return open(op, {}, id, table, self);
}

fbx_rc service_open_instance(fbx_op* op, fbx_str id, fbx_str instance, const void** table,
                             fbx_instance** self) {
  wire::ServiceOpen message;
  message.named = 1;
  message.instance = view(instance);
  return open(op, message, id, table, self);
}

fbx_rc service_providers(fbx_op* op, fbx_str id, fbx_sink result) {
  wire::ServiceProviders message;
  message.interface = view(id);
  return say(op_of(op), message, Answered::always, {&result, 1}).rc;
}

fbx_rc service_failure(fbx_op* op, const fbx_instance* self, fbx_sink result) {
  wire::ServiceFailure message;
  message.service = reinterpret_cast<const Service*>(self)->number;
  return say(op_of(op), message, Answered::always, {&result, 1}).rc;
}

constexpr fbx_host_service_v1 kServiceTable = {sizeof(fbx_host_service_v1),
                                               0,
                                               service_open,
                                               service_providers,
                                               service_open_instance,
                                               service_failure};

// ---- fusebox.host.process/1 ---------------------------------------------------------------------

fbx_rc process_run(fbx_op* op, fbx_str request, fbx_span stdin_bytes, fbx_sink out, fbx_sink err,
                   fbx_sink result) {
  wire::ProcessRun message;
  message.request = view(request);
  message.stdin_bytes = view(stdin_bytes);
  const std::array sinks{result, out, err};
  return say(op_of(op), message, Answered::always, sinks).rc;
}

constexpr fbx_host_process_v1 kProcessTable = {sizeof(fbx_host_process_v1), 0, process_run};

const void* get_interface(fbx_op*, fbx_str id) {
  if (view(id) == FBX_HOST_SECRET) return &kSecretTable;
  if (view(id) == FBX_HOST_SERVICE) return &kServiceTable;
  if (view(id) == FBX_HOST_PROCESS) return &kProcessTable;
  return nullptr;
}

}  // namespace

const fbx_host kHost = {
    sizeof(fbx_host), FBX_ABI_MINOR, get_interface, log,          fail,
    progress,         cancelled,     cancel_fd,     remaining_ms, checkpoint,
};

void EndlessWait::wait(int fd, short events, bool) {
  pollfd entry{fd, events, 0};
  ::poll(&entry, 1, -1);
}

void Op::close() {
  const std::lock_guard lock(mutex);
  lane = nullptr;
  cancel = -1;
}

wire::Channel Link::take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !free_.empty() || opened_ < wire::kMaxSideLanes; });
  if (!free_.empty()) {
    wire::Channel lane = std::move(free_.back());
    free_.pop_back();
    return lane;
  }
  wire::Pair pair = wire::make_pair();
  EndlessWait waiter;
  const int fds[] = {pair.theirs.get()};
  control_.send(wire::Side{}, waiter, fds);
  ++opened_;
  return wire::Channel(std::move(pair.ours));
}

void Link::give_back(wire::Channel lane) {
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(lane));
  changed_.notify_one();
}

}  // namespace fusebox::guest
