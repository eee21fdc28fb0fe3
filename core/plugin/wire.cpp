// SPDX-License-Identifier: Apache-2.0
#include "plugin/wire.hpp"

#include "util/error.hpp"
#include "util/wipe.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace fusebox::plugin::wire {

namespace {

#if defined(MSG_NOSIGNAL)
constexpr int kSendFlags = MSG_DONTWAIT | MSG_NOSIGNAL;
#else
constexpr int kSendFlags = MSG_DONTWAIT;
#endif
#if defined(MSG_CMSG_CLOEXEC)
constexpr int kReceiveFlags = MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
#else
constexpr int kReceiveFlags = MSG_DONTWAIT;
#endif

// A length that lies costs no more memory than what really comes.
constexpr std::size_t kStep = 256U << 10U;

union Control {
  char bytes[CMSG_SPACE(sizeof(int) * kMaxFds)];
  cmsghdr align;
};

bool is_gone(int errnum) { return errnum == EPIPE || errnum == ECONNRESET || errnum == ENOTCONN; }

bool is_known(std::uint8_t type) {
  switch (static_cast<Type>(type)) {
    case Type::lane:
    case Type::side:
    case Type::load:
    case Type::create:
    case Type::describe:
    case Type::call:
    case Type::destroy:
    case Type::answer:
    case Type::loaded:
    case Type::returned:
    case Type::described:
    case Type::log:
    case Type::fail:
    case Type::progress:
    case Type::checkpoint:
    case Type::secret_get:
    case Type::secret_put:
    case Type::service_open:
    case Type::service_providers:
    case Type::service_failure:
    case Type::service_call:
    case Type::process_run:
    case Type::write:
    case Type::ack:
      return true;
  }
  return false;
}

std::string header(Type type, std::size_t size, std::size_t fds) {
  std::string bytes;
  detail::put(bytes, size, 4);
  detail::put(bytes, static_cast<std::uint64_t>(type), 1);
  detail::put(bytes, fds, 1);
  detail::put(bytes, 0, 2);
  return bytes;
}

// Moves the descriptors that came with a message into `fds`.
void collect(msghdr& message, std::vector<util::UniqueFd>& fds) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      fds.emplace_back(fd);
#if !defined(MSG_CMSG_CLOEXEC)
      ::fcntl(fd, F_SETFD, FD_CLOEXEC);
#endif
    }
  }
  if ((message.msg_flags & MSG_CTRUNC) != 0)
    throw ProtocolError("sent more descriptors than any message has");
}

}  // namespace

namespace detail {

void put(std::string& body, std::uint64_t number, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) body += static_cast<char>(number >> (8 * i) & 0xffU);
}

void put(std::string& body, std::string_view text) {
  put(body, text.size(), 4);
  body += text;
}

std::uint64_t take(std::string_view& rest, std::size_t size) {
  if (rest.size() < size) throw ProtocolError("sent a message that ends too early");
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < size; ++i)
    number |= static_cast<std::uint64_t>(static_cast<unsigned char>(rest[i])) << (8 * i);
  rest.remove_prefix(size);
  return number;
}

std::string_view take_text(std::string_view& rest) {
  const std::size_t size = take(rest, 4);
  if (rest.size() < size) throw ProtocolError("sent a message that ends too early");
  const std::string_view text = rest.substr(0, size);
  rest.remove_prefix(size);
  return text;
}

void refuse_rest(Type type) {
  throw ProtocolError(
      fmt::format("sent a message of type {:#04x} that is malformed, or not expected here",
                  static_cast<unsigned>(type)));
}

void check_fds(const Frame& frame, std::size_t expected) {
  if (frame.fds.size() != expected)
    throw ProtocolError(
        fmt::format("sent {} descriptors where {} belong", frame.fds.size(), expected));
}

}  // namespace detail

Channel::Channel(util::UniqueFd socket) : socket_(std::move(socket)) {
#if defined(SO_NOSIGPIPE)
  const int on = 1;
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
}

void Channel::send_frame(Type type, std::string body, std::span<const int> fds, Waiter& waiter) {
  struct Wiped {
    std::string& text;
    ~Wiped() { util::wipe(text); }
  } const wiped{body};
  if (body.size() > kMaxBody || fds.size() > kMaxFds)
    throw Error(Errc::nomem,
                fmt::format("{} MiB are more than an isolated plugin can be told at once",
                            body.size() >> 20U));
  std::string head = header(type, body.size(), fds.size());
  iovec parts[] = {{head.data(), head.size()}, {body.data(), body.size()}};
  Control control{};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  if (!fds.empty()) {
    message.msg_control = control.bytes;
    message.msg_controllen = static_cast<socklen_t>(CMSG_SPACE(sizeof(int) * fds.size()));
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = static_cast<socklen_t>(CMSG_LEN(sizeof(int) * fds.size()));
    std::memcpy(CMSG_DATA(rights), fds.data(), sizeof(int) * fds.size());
  }
  while (parts[0].iov_len + parts[1].iov_len != 0) {
    const ssize_t n = ::sendmsg(socket_.get(), &message, kSendFlags);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (is_gone(errno)) throw Closed();
      if (errno != EAGAIN && errno != ENOBUFS)
        throw system_error("write to", "the socket of an isolated plugin", errno);
      waiter.wait(socket_.get(), POLLOUT, true);
      continue;
    }
    // The descriptors went with the first byte.
    message.msg_control = nullptr;
    message.msg_controllen = 0;
    auto sent = static_cast<std::size_t>(n);
    for (iovec& part : parts) {
      const std::size_t taken = std::min(sent, part.iov_len);
      part.iov_base = static_cast<char*>(part.iov_base) + taken;
      part.iov_len -= taken;
      sent -= taken;
    }
  }
}

std::size_t Channel::receive_some(char* data, std::size_t size, bool within_frame, Waiter& waiter,
                                  std::vector<util::UniqueFd>& fds) {
  for (;;) {
    // Between messages there is seldom one waiting already; within one its rest mostly is.
    if (!within_frame) waiter.wait(socket_.get(), POLLIN, false);
    iovec part{data, size};
    Control control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    const ssize_t n = ::recvmsg(socket_.get(), &message, kReceiveFlags);
    if (n > 0) {
      collect(message, fds);
      return static_cast<std::size_t>(n);
    }
    if (n == 0 || is_gone(errno)) throw Closed();
    if (errno == EINTR) continue;
    if (errno != EAGAIN) throw system_error("read", "the socket of an isolated plugin", errno);
    if (within_frame) waiter.wait(socket_.get(), POLLIN, true);
  }
}

Frame Channel::receive(Waiter& waiter) {
  Frame frame;
  std::array<char, kHeader> head{};
  for (std::size_t got = 0; got < head.size();)
    got += receive_some(head.data() + got, head.size() - got, got != 0, waiter, frame.fds);
  std::string_view rest(head.data(), head.size());
  const std::size_t size = detail::take(rest, 4);
  const auto type = static_cast<std::uint8_t>(detail::take(rest, 1));
  const std::size_t fds = detail::take(rest, 1);
  if (detail::take(rest, 2) != 0 || !is_known(type) || size > kMaxBody || fds > kMaxFds)
    throw ProtocolError("sent something that is no message");
  frame.type = static_cast<Type>(type);
  while (frame.body.size() < size) {
    const std::size_t had = frame.body.size();
    frame.body.resize(std::min(size, had + kStep));
    for (std::size_t at = had; at < frame.body.size();)
      at += receive_some(frame.body.data() + at, frame.body.size() - at, true, waiter, frame.fds);
  }
  detail::check_fds(frame, fds);
  return frame;
}

Pair make_pair() {
  int ends[2];
#if defined(SOCK_CLOEXEC)
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw system_error("create", "a pair of sockets", errno);
#else
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
    throw system_error("create", "a pair of sockets", errno);
  for (const int fd : ends) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
#endif
  return {util::UniqueFd(ends[0]), util::UniqueFd(ends[1])};
}

}  // namespace fusebox::plugin::wire
