// SPDX-License-Identifier: Apache-2.0
// What fusebox and the process of an isolated plugin say to one another: the messages, and the
// sockets that carry them. docs/PLUGIN-PROTOCOL.md is the specification; both ends use this file.
#pragma once

#include "util/fd.hpp"
#include "util/wipe.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

namespace fusebox::plugin::wire {

inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::size_t kHeader = 8;
inline constexpr std::size_t kMaxBody = 64U << 20U;
inline constexpr std::size_t kMaxPiece = 64U << 10U;  // of a Write
inline constexpr std::size_t kMaxText = 64U << 10U;   // of a Log, Fail or Progress
inline constexpr std::size_t kMaxFds = 3;
inline constexpr std::size_t kMaxSideLanes = 32;
inline constexpr std::size_t kMaxServices = 1024;  // that one op may open

// The other side said what it must not say. what() continues "its process ...".
class ProtocolError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The other side is gone.
class Closed : public std::runtime_error {
 public:
  Closed() : std::runtime_error("closed its connection to fusebox") {}
};

enum class Type : std::uint8_t {
  // on the control socket
  lane = 0x01,
  side = 0x02,
  // from fusebox
  load = 0x10,
  create = 0x11,
  describe = 0x12,
  call = 0x13,
  destroy = 0x14,
  answer = 0x1f,
  // from the guest
  loaded = 0x20,
  returned = 0x21,
  described = 0x22,
  log = 0x30,
  fail = 0x31,
  progress = 0x32,
  checkpoint = 0x40,
  secret_get = 0x41,
  secret_put = 0x42,
  service_open = 0x43,
  service_providers = 0x44,
  service_failure = 0x45,
  service_call = 0x46,
  process_run = 0x47,
  // from either, while it answers the other
  write = 0x50,
  ack = 0x51,
};

struct Frame {
  Frame() = default;
  Frame(Frame&&) noexcept = default;
  Frame& operator=(Frame&&) = delete;
  ~Frame() { util::wipe(body); }  // it may hold a secret

  Type type{};
  std::string body;
  std::vector<util::UniqueFd> fds;
};

// ---- Messages -----------------------------------------------------------------------------------
//
// A struct is its fields in order. A decoded text points into its frame. `fds` says how many
// descriptors come with it; any_fds: its handler counts them.

inline constexpr std::size_t any_fds = kMaxFds + 1;

template <Type type, std::size_t count = 0>
struct Message {
  static constexpr Type kType = type;
  static constexpr std::size_t kFds = count;
};

// A new lane: its socket, and what turns readable once the call on it is cancelled.
struct Lane : Message<Type::lane, 2> {
  auto fields() { return std::tie(); }
};
// A new side lane: its socket.
struct Side : Message<Type::side, 1> {
  auto fields() { return std::tie(); }
};

struct Load : Message<Type::load, any_fds> {
  std::uint32_t version = kVersion;
  std::string_view id;
  std::string_view shown;          // the library, for messages
  std::string_view opened;         // the file to load, unless it comes as a descriptor
  std::string_view manifest_name;  // for messages
  std::string_view manifest_text;
  auto fields() { return std::tie(version, id, shown, opened, manifest_name, manifest_text); }
};
struct Create : Message<Type::create> {
  std::uint32_t op = 0;
  std::int64_t left_us = -1;  // until the deadline; -1: none
  std::string_view context;
  auto fields() { return std::tie(op, left_us, context); }
};
struct Describe : Message<Type::describe> {
  std::string_view interface;
  auto fields() { return std::tie(interface); }
};
struct Call : Message<Type::call, any_fds> {
  std::uint32_t op = 0;
  std::int64_t left_us = -1;
  std::uint8_t interface = 0;
  std::uint8_t slot = 0;
  std::string_view request;
  auto fields() { return std::tie(op, left_us, interface, slot, request); }
};
struct Destroy : Message<Type::destroy> {
  auto fields() { return std::tie(); }
};
struct Answer : Message<Type::answer> {
  std::int32_t rc = 0;
  std::uint32_t value = 0;  // what ServiceOpen opened
  std::string_view bytes;   // what is left of the result
  auto fields() { return std::tie(rc, value, bytes); }
};

struct Loaded : Message<Type::loaded> {
  std::int32_t rc = 0;
  std::string_view what;
  std::string_view hint;
  auto fields() { return std::tie(rc, what, hint); }
};
// A rule of the ABI that the plugin broke and only the guest could see.
enum class Broke : std::uint8_t { nothing, let_exception_out, gave_no_instance, wrote_elsewhere };
struct Returned : Message<Type::returned> {
  std::uint32_t op = 0;  // 0: Destroy
  std::int32_t rc = 0;
  std::uint8_t broke = 0;  // Broke
  std::string_view bytes;  // what is left of the result
  auto fields() { return std::tie(op, rc, broke, bytes); }
};
struct Described : Message<Type::described> {
  std::uint8_t present = 0;
  std::uint32_t size = 0;
  std::uint32_t slots = 0;  // a bit for each that is not NULL
  auto fields() { return std::tie(present, size, slots); }
};

struct Log : Message<Type::log> {
  std::uint32_t op = 0;
  std::int32_t level = 0;
  std::string_view text;
  auto fields() { return std::tie(op, level, text); }
};
struct Fail : Message<Type::fail> {
  std::uint32_t op = 0;
  std::int32_t rc = 0;
  std::string_view what;
  std::string_view hint;
  auto fields() { return std::tie(op, rc, what, hint); }
};
struct Progress : Message<Type::progress> {
  std::uint32_t op = 0;
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  std::string_view unit;
  std::string_view what;
  auto fields() { return std::tie(op, done, total, unit, what); }
};

struct Checkpoint : Message<Type::checkpoint> {
  std::uint32_t op = 0;
  std::string_view json;
  auto fields() { return std::tie(op, json); }
};
struct SecretGet : Message<Type::secret_get> {
  std::uint32_t op = 0;
  std::string_view name;
  auto fields() { return std::tie(op, name); }
};
struct SecretPut : Message<Type::secret_put> {
  std::uint32_t op = 0;
  std::string_view name;
  std::string_view value;
  auto fields() { return std::tie(op, name, value); }
};
struct ServiceOpen : Message<Type::service_open> {
  std::uint32_t op = 0;
  std::string_view interface;
  std::uint8_t named = 0;  // 1: `instance`, else whichever provides it
  std::string_view instance;
  auto fields() { return std::tie(op, interface, named, instance); }
};
struct ServiceProviders : Message<Type::service_providers> {
  std::uint32_t op = 0;
  std::string_view interface;
  auto fields() { return std::tie(op, interface); }
};
struct ServiceFailure : Message<Type::service_failure> {
  std::uint32_t op = 0;
  std::uint32_t service = 0;
  auto fields() { return std::tie(op, service); }
};
struct ServiceCall : Message<Type::service_call, any_fds> {
  std::uint32_t op = 0;
  std::uint32_t service = 0;
  std::uint8_t slot = 0;
  std::string_view request;
  auto fields() { return std::tie(op, service, slot, request); }
};
struct ProcessRun : Message<Type::process_run> {
  std::uint32_t op = 0;
  std::string_view request;
  std::string_view stdin_bytes;
  auto fields() { return std::tie(op, request, stdin_bytes); }
};

struct Write : Message<Type::write> {
  std::uint8_t sink = 0;
  std::string_view bytes;
  auto fields() { return std::tie(sink, bytes); }
};
struct Ack : Message<Type::ack> {
  std::int32_t rc = 0;
  auto fields() { return std::tie(rc); }
};

// ---- Codec --------------------------------------------------------------------------------------

namespace detail {

void put(std::string& body, std::uint64_t number, std::size_t size);
void put(std::string& body, std::string_view text);
std::uint64_t take(std::string_view& rest, std::size_t size);
std::string_view take_text(std::string_view& rest);
[[noreturn]] void refuse_rest(Type type);
void check_fds(const Frame& frame, std::size_t expected);

template <class Field>
std::size_t size_of(const Field& field) {
  if constexpr (std::is_same_v<Field, std::string_view>)
    return 4 + field.size();
  else
    return sizeof field;
}

template <class Field>
void put_field(std::string& body, const Field& field) {
  if constexpr (std::is_same_v<Field, std::string_view>)
    put(body, field);
  else
    put(body, static_cast<std::uint64_t>(field), sizeof field);
}

template <class Field>
void take_field(std::string_view& rest, Field& field) {
  if constexpr (std::is_same_v<Field, std::string_view>)
    field = take_text(rest);
  else
    field = static_cast<Field>(take(rest, sizeof field));
}

}  // namespace detail

template <class M>
std::string encode(M message) {
  std::string body;
  std::apply(
      [&](const auto&... field) {
        body.reserve((std::size_t{0} + ... + detail::size_of(field)));  // growing leaves copies
        (detail::put_field(body, field), ...);
      },
      message.fields());
  return body;
}

// Throws ProtocolError when it is not that message, whole and nothing more.
template <class M>
M decode(const Frame& frame) {
  M message;
  if (frame.type != M::kType) detail::refuse_rest(frame.type);
  if constexpr (M::kFds != any_fds) detail::check_fds(frame, M::kFds);
  std::string_view rest = frame.body;
  std::apply([&](auto&... field) { (detail::take_field(rest, field), ...); }, message.fields());
  if (!rest.empty()) detail::refuse_rest(frame.type);
  return message;
}

// ---- Sockets ------------------------------------------------------------------------------------

// Waits until `fd` is ready for `events`; throws when it should be waited for no longer.
// `within_frame`: a message has begun and is not there whole.
class Waiter {
 public:
  virtual ~Waiter() = default;
  virtual void wait(int fd, short events, bool within_frame) = 0;
};

// One end of a stream of messages. One thread at a time may send, and one receive.
class Channel {
 public:
  explicit Channel(util::UniqueFd socket);

  // Throws Closed, ProtocolError, or what the waiter throws. `fds` stay the caller's.
  template <class M>
  void send(const M& message, Waiter& waiter, std::span<const int> fds = {}) {
    send_frame(M::kType, encode(message), fds, waiter);
  }
  Frame receive(Waiter& waiter);
  int fd() const { return socket_.get(); }

 private:
  void send_frame(Type type, std::string body, std::span<const int> fds, Waiter& waiter);
  std::size_t receive_some(char* data, std::size_t size, bool within_frame, Waiter& waiter,
                           std::vector<util::UniqueFd>& fds);

  util::UniqueFd socket_;
};

struct Pair {
  util::UniqueFd ours;
  util::UniqueFd theirs;
};
// Connected sockets that close on exec. Throws Error{io}.
Pair make_pair();

}  // namespace fusebox::plugin::wire
