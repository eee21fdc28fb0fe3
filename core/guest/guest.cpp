// SPDX-License-Identifier: Apache-2.0
#include "guest/guest.hpp"

#include "plugin/outlet.hpp"
#include "util/error.hpp"

#include <cstring>

namespace fusebox::guest {

namespace wire = plugin::wire;

namespace {

using wire::Type;

fbx_str str(std::string_view text) { return {text.data(), text.size()}; }

// A table's first field.
std::uint32_t size_of(const void* table) {
  std::uint32_t size = 0;
  std::memcpy(&size, table, sizeof size);
  return size;
}

// How many of the interface's functions lie within the table.
std::size_t reach(const plugin::InterfaceInfo& interface, const void* table) {
  const std::size_t size = size_of(table);
  if (size < 8) return 0;
  return std::min(interface.slots.size(), (size - 8) / sizeof(void (*)()));
}

void give(wire::Channel& lane, const wire::Returned& returned) {
  EndlessWait waiter;
  lane.send(returned, waiter);
}

// Runs the plugin's own code, out of which no exception may come.
template <class Body>
void run_plugin(wire::Returned& returned, Body&& body) {
  const auto note = [&](wire::Broke broke) { returned.broke = static_cast<std::uint8_t>(broke); };
  try {
    returned.rc = body(note);
  } catch (...) {
    returned.rc = FBX_INTERNAL;
    note(wire::Broke::let_exception_out);
  }
}

}  // namespace

void Guest::serve(wire::Channel& lane, const util::UniqueFd& cancel) {
  EndlessWait waiter;
  try {
    for (;;) {
      wire::Frame frame = lane.receive(waiter);
      switch (frame.type) {
        case Type::load:
          load(lane, frame);
          break;
        case Type::create:
          create(lane, cancel.get(), frame);
          break;
        case Type::describe:
          describe(lane, frame);
          break;
        case Type::call:
          call(lane, cancel.get(), frame);
          break;
        case Type::destroy:
          destroy(lane, frame);
          break;
        default:
          wire::detail::refuse_rest(frame.type);
      }
    }
  } catch (const wire::Closed&) {
    // fusebox has no more use for the lane.
  }
}

void Guest::load(wire::Channel& lane, wire::Frame& frame) {
  const auto message = wire::decode<wire::Load>(frame);
  if (frame.fds.size() > 1 || plugin_ != nullptr)
    throw wire::ProtocolError("asked for more than one library");
  wire::Loaded loaded;
  std::string what;
  std::string hint;
  try {
    if (message.version != wire::kVersion)
      throw Error(Errc::unsupported, "fusebox and its fusebox-plugin-host do not fit one another",
                  "install fusebox anew");
    const fbx_plugin& plugin =
        loader_(message, frame.fds.empty() ? util::UniqueFd() : std::move(frame.fds.front()));
    const std::lock_guard lock(mutex_);
    plugin_ = &plugin;
  } catch (const Error& error) {
    loaded.rc = static_cast<fbx_rc>(error.code());
    what = error.what();
    hint = error.hint();
  }
  loaded.what = what;
  loaded.hint = hint;
  EndlessWait waiter;
  lane.send(loaded, waiter);
}

Op& Guest::open_op(std::uint32_t number, std::int64_t left_us, wire::Channel& lane, int cancel) {
  std::optional<Op::Clock::time_point> deadline;
  // Longer than a century is as good as none, and would not fit.
  constexpr std::int64_t most = std::int64_t{100} * 365 * 24 * 3600 * 1'000'000;
  if (left_us >= 0 && left_us < most)
    deadline = Op::Clock::now() + std::chrono::microseconds(left_us);
  const std::lock_guard lock(mutex_);
  return ops_.emplace_back(link_, number, deadline, lane, cancel);
}

void Guest::create(wire::Channel& lane, int cancel, const wire::Frame& frame) {
  const auto message = wire::decode<wire::Create>(frame);
  if (plugin_ == nullptr || instance_ != nullptr)
    throw wire::ProtocolError("asked for an instance where there can be none");
  Op& op = open_op(message.op, message.left_us, lane, cancel);
  wire::Returned returned;
  run_plugin(returned, [&](const auto& note) {
    fbx_instance* made = nullptr;
    const fbx_rc rc = plugin_->create(&kHost, op.handle(), str(message.context), &made);
    if (rc == FBX_OK && made == nullptr) note(wire::Broke::gave_no_instance);
    const std::lock_guard lock(mutex_);
    if (rc == FBX_OK) instance_ = made;
    return rc;
  });
  op.close();
  if (op.broken) std::rethrow_exception(op.broken);
  returned.op = message.op;
  give(lane, returned);
}

fbx_instance* Guest::instance() const {
  if (instance_ == nullptr) throw wire::ProtocolError("called a plugin that has no instance");
  return instance_;
}

void Guest::describe(wire::Channel& lane, const wire::Frame& frame) {
  const auto message = wire::decode<wire::Describe>(frame);
  const void* table =
      plugin_ == nullptr ? nullptr : plugin_->get_interface(instance(), str(message.interface));
  wire::Described described;
  const std::size_t number = plugin::interface_number(message.interface);
  if (table != nullptr) {
    described.present = 1;
    described.size = size_of(table);
    if (number < plugin::kInterfaces.size()) {
      const std::lock_guard lock(mutex_);
      tables_[number] = table;
      const auto& interface = plugin::kInterfaces[number];
      for (std::size_t slot = 0; slot < reach(interface, table); ++slot)
        if (interface.slots[slot].present(table)) described.slots |= 1U << slot;
    }
  }
  EndlessWait waiter;
  lane.send(described, waiter);
}

void Guest::call(wire::Channel& lane, int cancel, wire::Frame& frame) {
  const auto message = wire::decode<wire::Call>(frame);
  const void* table = nullptr;
  if (message.interface < tables_.size()) {
    const std::lock_guard lock(mutex_);
    table = tables_[message.interface];
  }
  const auto& interface = plugin::kInterfaces[table == nullptr ? 0 : message.interface];
  if (table == nullptr || message.slot >= reach(interface, table) ||
      !interface.slots[message.slot].present(table))
    throw wire::ProtocolError("called a function that there is not");
  const plugin::SlotInfo& slot = interface.slots[message.slot];
  wire::detail::check_fds(frame, slot.fds);
  std::vector<std::int32_t> fds;
  for (const auto& fd : frame.fds) fds.push_back(fd.get());

  Op& op = open_op(message.op, message.left_us, lane, cancel);
  EndlessWait waiter;
  using Mode = wire::Outlet::Mode;
  wire::Outlet outlet(lane, waiter, 0, slot.streams ? Mode::stream : Mode::collect);
  wire::Returned returned;
  run_plugin(returned, [&](const auto& note) {
    const fbx_rc rc =
        slot.invoke(table, instance(), op.handle(), {str(message.request), fds, outlet.sink()});
    if (outlet.wrote_elsewhere()) note(wire::Broke::wrote_elsewhere);
    return rc;
  });
  op.close();
  // Closed before it returns: who reads the other end of a pipe waits for its last writer.
  frame.fds.clear();
  if (op.broken) std::rethrow_exception(op.broken);
  outlet.rethrow();
  returned.op = message.op;
  returned.bytes = outlet.rest();
  give(lane, returned);
}

void Guest::destroy(wire::Channel& lane, const wire::Frame& frame) {
  wire::decode<wire::Destroy>(frame);
  plugin_->destroy(instance());
  {
    const std::lock_guard lock(mutex_);
    instance_ = nullptr;
    tables_ = {};
  }
  give(lane, {});
}

}  // namespace fusebox::guest
