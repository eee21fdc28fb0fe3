// SPDX-License-Identifier: Apache-2.0
#include "plugin/exchange.hpp"

#include "plugin/outlet.hpp"

#include <array>

namespace fusebox::plugin {

namespace {

using wire::Frame;
using wire::Outlet;
using wire::ProtocolError;
using wire::Type;

fbx_str str(std::string_view text) { return {text.data(), text.size()}; }
fbx_span span(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// A note wants no answer, but for one on a side lane.
bool is_note(Type type) {
  return type == Type::log || type == Type::fail || type == Type::progress;
}

// The op that a guest speaks of, which is the first field of all that it may say by itself.
std::uint32_t op_of(const Frame& frame) {
  if (frame.type < Type::log || frame.type > Type::process_run)
    wire::detail::refuse_rest(frame.type);
  std::string_view rest = frame.body;
  return static_cast<std::uint32_t>(wire::detail::take(rest, 4));
}

std::vector<std::int32_t> numbers(const Frame& frame) {
  std::vector<std::int32_t> fds;
  for (const util::UniqueFd& fd : frame.fds) fds.push_back(fd.get());
  return fds;
}

}  // namespace

// ---- Ops ----------------------------------------------------------------------------------------

std::shared_ptr<LiveOp> LiveOps::add(fbx_op* op) {
  auto live = std::make_shared<LiveOp>();
  live->op = op;
  const std::lock_guard lock(mutex_);
  live->number = ++last_;
  ops_[live->number] = live;
  return live;
}

void LiveOps::remove(const LiveOp& op) {
  const std::lock_guard lock(mutex_);
  ops_.erase(op.number);
}

std::shared_ptr<LiveOp> LiveOps::find(std::uint32_t number) const {
  const std::lock_guard lock(mutex_);
  const auto found = ops_.find(number);
  return found == ops_.end() ? nullptr : found->second;
}

std::shared_ptr<LiveOp> LiveOps::newest() const {
  const std::lock_guard lock(mutex_);
  return ops_.empty() ? nullptr : ops_.rbegin()->second;
}

// ---- Lanes --------------------------------------------------------------------------------------

Result Exchange::until_returned(LiveOp& op, fbx_sink sink) {
  for (;;) {
    Frame frame = channel_.receive(waiter_);
    if (frame.type == Type::write) {
      wire::take_write(channel_, waiter_, frame, {&sink, 1});
      continue;
    }
    if (frame.type == Type::returned) {
      const auto returned = wire::decode<wire::Returned>(frame);
      const auto broke = static_cast<wire::Broke>(returned.broke);
      if (returned.op != op.number) throw ProtocolError("returned from another call");
      if (broke > wire::Broke::wrote_elsewhere)
        throw ProtocolError("returned with a fault that there is none of");
      if (!returned.bytes.empty()) sink.write(sink.ctx, span(returned.bytes));
      return {returned.rc, broke};
    }
    if (op_of(frame) != op.number)
      throw ProtocolError("spoke of another op than the one that its lane is for");
    if (is_note(frame.type))
      note(frame, &op);
    else
      serve(frame, &op);
  }
}

void Exchange::serve_side(const LiveOps& ops) {
  for (;;) {
    Frame frame = channel_.receive(waiter_);
    // Kept while it is used; its fbx_op outlives it.
    const auto op = ops.find(op_of(frame));
    if (is_note(frame.type)) {
      note(frame, op.get());
      answer(FBX_OK);
    } else {
      serve(frame, op.get());
    }
  }
}

void Exchange::serve(Frame& frame, LiveOp* op) {
  // It is over: as in this process, nothing happens.
  if (op == nullptr) return answer(FBX_ARGUMENT);
  switch (frame.type) {
    case Type::checkpoint:
      return checkpoint(frame, *op);
    case Type::secret_get:
      return secret_get(frame, *op);
    case Type::secret_put:
      return secret_put(frame, *op);
    case Type::service_open:
      return service_open(frame, *op);
    case Type::service_providers:
      return service_providers(frame, *op);
    case Type::service_failure:
      return service_failure(frame, *op);
    case Type::service_call:
      return service_call(frame, *op);
    case Type::process_run:
      return process_run(frame, *op);
    default:
      wire::detail::refuse_rest(frame.type);
  }
}

void Exchange::note(const Frame& frame, LiveOp* op) {
  if (frame.type == Type::log) {
    const auto log = wire::decode<wire::Log>(frame);
    if (op != nullptr) host_.log(op->op, log.level, str(log.text));
  } else if (frame.type == Type::fail) {
    const auto fail = wire::decode<wire::Fail>(frame);
    if (op != nullptr) host_.fail(op->op, fail.rc, str(fail.what), str(fail.hint));
  } else {
    const auto progress = wire::decode<wire::Progress>(frame);
    if (op != nullptr)
      host_.progress(op->op, progress.done, progress.total, str(progress.unit), str(progress.what));
  }
}

// ---- What a guest asks --------------------------------------------------------------------------

void Exchange::answer(fbx_rc rc, std::string_view bytes, std::uint32_t value) {
  wire::Answer message;
  message.rc = rc;
  message.value = value;
  message.bytes = bytes;
  channel_.send(message, waiter_);
}

template <class Table>
const Table* Exchange::service(LiveOp& op, std::string_view id) {
  const auto* table = static_cast<const Table*>(host_.get_interface(op.op, str(id)));
  if (table == nullptr) answer(FBX_UNSUPPORTED);
  return table;
}

void Exchange::checkpoint(const Frame& frame, LiveOp& op) {
  answer(host_.checkpoint(op.op, str(wire::decode<wire::Checkpoint>(frame).json)));
}

void Exchange::secret_get(const Frame& frame, LiveOp& op) {
  const auto message = wire::decode<wire::SecretGet>(frame);
  const auto* secrets = service<fbx_host_secret_v1>(op, FBX_HOST_SECRET);
  if (secrets == nullptr) return;
  struct Value {
    std::string text;
    ~Value() { util::wipe(text); }
  } value;
  const fbx_sink sink{&value, [](void* self, fbx_span bytes) -> std::int32_t {
                        static_cast<Value*>(self)->text.append(
                            reinterpret_cast<const char*>(bytes.ptr), bytes.len);
                        return FBX_OK;
                      }};
  const fbx_rc rc = secrets->get(op.op, str(message.name), sink);
  answer(rc, value.text);
}

void Exchange::secret_put(const Frame& frame, LiveOp& op) {
  const auto message = wire::decode<wire::SecretPut>(frame);
  if (const auto* secrets = service<fbx_host_secret_v1>(op, FBX_HOST_SECRET))
    answer(secrets->put(op.op, str(message.name), span(message.value)));
}

std::uint32_t Exchange::keep(LiveOp& op, const OpenedService& service) {
  const std::lock_guard lock(op.mutex);
  if (op.services.size() >= wire::kMaxServices)
    throw ProtocolError("opened more services than one op may");
  op.services.push_back(service);
  return static_cast<std::uint32_t>(op.services.size() - 1);
}

void Exchange::service_open(const Frame& frame, LiveOp& op) {
  const auto message = wire::decode<wire::ServiceOpen>(frame);
  const auto* services = service<fbx_host_service_v1>(op, FBX_HOST_SERVICE);
  if (services == nullptr) return;
  OpenedService opened{interface_number(message.interface), nullptr, nullptr};
  const fbx_rc rc =
      message.named != 0
          ? services->open_instance(op.op, str(message.interface), str(message.instance),
                                    &opened.table, &opened.self)
          : services->open(op.op, str(message.interface), &opened.table, &opened.self);
  if (rc != FBX_OK) return answer(rc);
  if (opened.interface == kInterfaces.size()) return answer(FBX_UNSUPPORTED);
  answer(FBX_OK, {}, keep(op, opened));
}

void Exchange::service_providers(const Frame& frame, LiveOp& op) {
  const auto message = wire::decode<wire::ServiceProviders>(frame);
  const auto* services = service<fbx_host_service_v1>(op, FBX_HOST_SERVICE);
  if (services == nullptr) return;
  Outlet outlet(channel_, waiter_, 0, Outlet::Mode::collect);
  const fbx_rc rc = services->providers(op.op, str(message.interface), outlet.sink());
  outlet.rethrow();
  answer(rc, outlet.rest());
}

OpenedService Exchange::opened(LiveOp& op, std::uint32_t number) {
  const std::lock_guard lock(op.mutex);
  if (number >= op.services.size()) throw ProtocolError("used a service that it has not opened");
  return op.services[number];
}

void Exchange::service_failure(const Frame& frame, LiveOp& op) {
  const auto message = wire::decode<wire::ServiceFailure>(frame);
  const OpenedService used = opened(op, message.service);
  const auto* services = service<fbx_host_service_v1>(op, FBX_HOST_SERVICE);
  if (services == nullptr) return;
  Outlet outlet(channel_, waiter_, 0, Outlet::Mode::collect);
  const fbx_rc rc = services->failure(op.op, used.self, outlet.sink());
  outlet.rethrow();
  answer(rc, outlet.rest());
}

void Exchange::service_call(Frame& frame, LiveOp& op) {
  const auto message = wire::decode<wire::ServiceCall>(frame);
  const OpenedService used = opened(op, message.service);
  const InterfaceInfo& interface = kInterfaces[used.interface];
  if (message.slot >= interface.slots.size())
    throw ProtocolError("called a function that its service does not have");
  const SlotInfo& slot = interface.slots[message.slot];
  wire::detail::check_fds(frame, slot.fds);
  const auto fds = numbers(frame);
  Outlet outlet(channel_, waiter_, 0, slot.streams ? Outlet::Mode::stream : Outlet::Mode::collect);
  const fbx_rc rc =
      slot.invoke(used.table, used.self, op.op, {str(message.request), fds, outlet.sink()});
  outlet.rethrow();
  // Closed before the answer goes: who reads the other end of a pipe waits for its last writer.
  frame.fds.clear();
  answer(rc, outlet.rest());
}

void Exchange::process_run(const Frame& frame, LiveOp& op) {
  const auto message = wire::decode<wire::ProcessRun>(frame);
  const auto* processes = service<fbx_host_process_v1>(op, FBX_HOST_PROCESS);
  if (processes == nullptr) return;
  Outlet result(channel_, waiter_, 0, Outlet::Mode::collect);
  Outlet out(channel_, waiter_, 1, Outlet::Mode::stream);
  Outlet err(channel_, waiter_, 2, Outlet::Mode::stream);
  const fbx_rc rc = processes->run(op.op, str(message.request), span(message.stdin_bytes),
                                   out.sink(), err.sink(), result.sink());
  for (const Outlet* outlet : {&out, &err, &result}) outlet->rethrow();
  answer(rc, result.rest());
}

}  // namespace fusebox::plugin
