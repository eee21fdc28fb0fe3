// SPDX-License-Identifier: Apache-2.0
// The functions of every service interface, by number: how each is called, and how a table is made
// whose functions all do one thing (forward to another instance, or to another process).
#pragma once

#include "plugin/interfaces.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace fusebox::plugin {

// In the table's order; a new one is added at the end.
template <class Table>
struct SlotsOf;

template <auto... slots>
struct SlotList {};

template <>
struct SlotsOf<fbx_step_v1> {
  using List = SlotList<&fbx_step_v1::plan, &fbx_step_v1::run, &fbx_step_v1::undo>;
};
template <>
struct SlotsOf<fbx_secrets_v1> {
  using List = SlotList<&fbx_secrets_v1::list, &fbx_secrets_v1::resolve, &fbx_secrets_v1::check,
                        &fbx_secrets_v1::template_text>;
};
template <>
struct SlotsOf<fbx_runtime_v1> {
  using List = SlotList<&fbx_runtime_v1::services, &fbx_runtime_v1::endpoint, &fbx_runtime_v1::exec,
                        &fbx_runtime_v1::logs, &fbx_runtime_v1::stats, &fbx_runtime_v1::volumes,
                        &fbx_runtime_v1::volume_export, &fbx_runtime_v1::volume_import,
                        &fbx_runtime_v1::volume_stage, &fbx_runtime_v1::volume_turn>;
};
template <>
struct SlotsOf<fbx_snapshot_v1> {
  using List =
      SlotList<&fbx_snapshot_v1::sources, &fbx_snapshot_v1::capture, &fbx_snapshot_v1::inspect,
               &fbx_snapshot_v1::stage, &fbx_snapshot_v1::turn, &fbx_snapshot_v1::count>;
};
template <>
struct SlotsOf<fbx_store_v1> {
  using List = SlotList<&fbx_store_v1::begin, &fbx_store_v1::put, &fbx_store_v1::commit,
                        &fbx_store_v1::abort, &fbx_store_v1::list, &fbx_store_v1::get,
                        &fbx_store_v1::verify, &fbx_store_v1::pin, &fbx_store_v1::remove>;
};
template <>
struct SlotsOf<fbx_observer_v1> {
  using List = SlotList<&fbx_observer_v1::event>;
};

// ---- One slot -----------------------------------------------------------------------------------

// What every slot gets besides self and op; `fds` as many as it takes, the sink unused where it
// answers nothing.
struct SlotCall {
  fbx_str request;
  std::span<const std::int32_t> fds;
  fbx_sink sink;
};

struct SlotInfo {
  std::size_t fds;
  bool streams;  // its answer is wanted piece by piece, as it comes
  bool (*present)(const void* table);
  fbx_rc (*invoke)(const void* table, fbx_instance* self, fbx_op* op, const SlotCall& call);
};

template <auto slot>
struct Slot;

template <class T, class... Args, fbx_rc (*T::*slot)(fbx_instance*, fbx_op*, Args...)>
struct Slot<slot> {
  using Table = T;
  static constexpr std::size_t kFds = (std::size_t{0} + ... + std::is_same_v<Args, std::int32_t>);
  static constexpr bool kAnswers = (false || ... || std::is_same_v<Args, fbx_sink>);

  static bool present(const void* table) {
    return static_cast<const Table*>(table)->*slot != nullptr;
  }

  static fbx_rc invoke(const void* table, fbx_instance* self, fbx_op* op, const SlotCall& call) {
    std::size_t next = 0;
    const auto pick = [&]<class Arg>(std::type_identity<Arg>) -> Arg {
      if constexpr (std::is_same_v<Arg, std::int32_t>)
        return call.fds[next++];
      else if constexpr (std::is_same_v<Arg, fbx_sink>)
        return call.sink;
      else
        return call.request;
    };
    // Braces: from left to right, so that descriptors keep their order.
    const std::tuple<Args...> args{pick(std::type_identity<Args>{})...};
    return std::apply(
        [&](const auto&... arg) {
          return (static_cast<const Table*>(table)->*slot)(self, op, arg...);
        },
        args);
  }

  static SlotCall pack(std::array<std::int32_t, kFds + 1>& fds, Args... args) {
    SlotCall call{};
    std::size_t next = 0;
    const auto put = [&](const auto& arg) {
      using Arg = std::decay_t<decltype(arg)>;
      if constexpr (std::is_same_v<Arg, std::int32_t>)
        fds[next++] = arg;
      else if constexpr (std::is_same_v<Arg, fbx_sink>)
        call.sink = arg;
      else
        call.request = arg;
    };
    (put(args), ...);
    call.fds = {fds.data(), kFds};
    return call;
  }

  // The function for this slot in a table of `Forward`, a class with
  //   static fbx_rc call(fbx_instance*, fbx_op*, std::uint8_t slot number, const SlotCall&)
  template <class Forward, std::size_t number>
  static fbx_rc forward(fbx_instance* self, fbx_op* op, Args... args) {
    std::array<std::int32_t, kFds + 1> fds{};
    return Forward::call(self, op, static_cast<std::uint8_t>(number), pack(fds, args...));
  }
};

// ---- One interface ------------------------------------------------------------------------------

namespace detail {

constexpr SlotInfo info_of(auto slot_type, bool streams) {
  using S = decltype(slot_type);
  return {S::kFds, streams, &S::present, &S::invoke};
}

template <auto... slots>
constexpr auto slot_infos(SlotList<slots...>) {
  constexpr auto streams = []<auto slot>() {
    if constexpr (std::is_same_v<decltype(slot), decltype(&fbx_runtime_v1::logs)>)
      return slot == &fbx_runtime_v1::logs;
    else
      return false;
  };
  return std::array<SlotInfo, sizeof...(slots)>{
      info_of(Slot<slots>{}, streams.template operator()<slots>())...};
}

template <class Forward, class Table, auto... slots, std::size_t... numbers>
constexpr Table forward_table(SlotList<slots...>, std::index_sequence<numbers...>) {
  return Table{sizeof(Table), 0, &Slot<slots>::template forward<Forward, numbers>...};
}

template <auto... slots>
constexpr std::size_t count_of(SlotList<slots...>) {
  return sizeof...(slots);
}

}  // namespace detail

template <class Table>
inline constexpr auto kSlots = detail::slot_infos(typename SlotsOf<Table>::List{});

// A table whose functions all end in Forward::call().
template <class Forward, class Table>
inline constexpr Table kForwardTable = detail::forward_table<Forward, Table>(
    typename SlotsOf<Table>::List{},
    std::make_index_sequence<detail::count_of(typename SlotsOf<Table>::List{})>{});

struct InterfaceInfo {
  std::string_view id;
  std::size_t size;  // of the table
  std::span<const SlotInfo> slots;
};

template <class Table>
constexpr InterfaceInfo interface_info() {
  // Every table is two numbers and its functions, so a slot's number is its place.
  static_assert(sizeof(Table) == 8 + kSlots<Table>.size() * sizeof(void (*)()));
  return {kInterface<Table>, sizeof(Table), kSlots<Table>};
}

// By number, as the protocol of isolated plugins counts them; a new one is added at the end.
inline constexpr std::array kInterfaces = {
    interface_info<fbx_step_v1>(),    interface_info<fbx_secrets_v1>(),
    interface_info<fbx_runtime_v1>(), interface_info<fbx_snapshot_v1>(),
    interface_info<fbx_store_v1>(),   interface_info<fbx_observer_v1>()};

template <class Forward>
inline constexpr std::array<const void*, kInterfaces.size()> kForwardTables = {
    &kForwardTable<Forward, fbx_step_v1>,    &kForwardTable<Forward, fbx_secrets_v1>,
    &kForwardTable<Forward, fbx_runtime_v1>, &kForwardTable<Forward, fbx_snapshot_v1>,
    &kForwardTable<Forward, fbx_store_v1>,   &kForwardTable<Forward, fbx_observer_v1>};

// The number of an interface; kInterfaces.size() when it has none.
constexpr std::size_t interface_number(std::string_view id) {
  std::size_t number = 0;
  while (number < kInterfaces.size() && kInterfaces[number].id != id) ++number;
  return number;
}

}  // namespace fusebox::plugin
