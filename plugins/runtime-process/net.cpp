// SPDX-License-Identifier: Apache-2.0
#include "net.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <memory>

namespace runtime_process {
namespace {

using Addresses = std::unique_ptr<::addrinfo, decltype(&::freeaddrinfo)>;

Addresses look_up(const std::string& host, int port, int flags, std::string& why) {
  ::addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  ::addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) why = fmt::format("cannot look up {}: {}", host, ::gai_strerror(error));
  return {found, &::freeaddrinfo};
}

Fd make_socket(const ::addrinfo& address) {
  Fd fd(::socket(address.ai_family, address.ai_socktype, address.ai_protocol));
  if (fd) ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  return fd;
}

}  // namespace

Fd connect_tcp(const std::string& host, int port, milliseconds timeout, const Wait& wait,
               std::string& why) {
  const Addresses addresses = look_up(host, port, 0, why);
  const auto deadline = steady_clock::now() + timeout;
  for (const ::addrinfo* address = addresses.get(); address != nullptr;
       address = address->ai_next) {
    Fd fd = make_socket(*address);
    if (!fd) continue;
    set_nonblocking(fd.get());
    int error = ::connect(fd.get(), address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
      if (!wait.until(fd.get(), POLLOUT, deadline, fmt::format("connecting to {}:{}", host, port)))
        error = ETIMEDOUT;
      else if (::socklen_t size = sizeof error;
               ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    }
    if (error == 0) return fd;
    why = fmt::format("cannot connect to {}:{}: {}", host, port, errno_text(error));
  }
  return Fd();
}

int http_status(std::string_view url, milliseconds timeout, const Wait& wait, std::string& why) {
  static constexpr std::string_view scheme = "http://";
  if (!url.starts_with(scheme)) {
    why = fmt::format("{} does not start with http://", url);
    return 0;
  }
  const std::string_view rest = url.substr(scheme.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view authority = rest.substr(0, slash);
  const std::string_view path = slash == rest.size() ? "/" : rest.substr(slash);
  const std::size_t colon = authority.rfind(':');
  int port = 80;
  if (colon != std::string_view::npos)
    std::from_chars(authority.data() + colon + 1, authority.data() + authority.size(), port);
  const auto deadline = steady_clock::now() + timeout;
  const Fd fd = connect_tcp(std::string(authority.substr(0, colon)), port, timeout, wait, why);
  if (!fd) return 0;
  write_all(fd.get(), fmt::format("GET {} HTTP/1.0\r\nHost: {}\r\nConnection: close\r\n\r\n", path,
                                  authority));
  std::string answer;
  std::array<char, 1024> buffer{};
  while (answer.find('\n') == std::string::npos) {
    if (!wait.until(fd.get(), POLLIN, deadline, fmt::format("asking {}", url))) {
      why = fmt::format("{} gave no answer within {}", url, format_duration(timeout));
      return 0;
    }
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n <= 0) break;
    answer.append(buffer.data(), static_cast<std::size_t>(n));
  }
  int status = 0;
  if (answer.starts_with("HTTP/1.") && answer.size() > 12)
    std::from_chars(answer.data() + 9, answer.data() + 12, status);
  if (status == 0) why = fmt::format("{} did not answer in HTTP", url);
  return status;
}

bool can_listen(const std::string& host, int port, std::string& why) {
  const Addresses addresses = look_up(host, port, AI_PASSIVE, why);
  if (!addresses) return false;
  const Fd fd = make_socket(*addresses);
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (fd && ::bind(fd.get(), addresses->ai_addr, addresses->ai_addrlen) == 0 &&
      ::listen(fd.get(), 1) == 0)
    return true;
  why = errno_text(errno);
  return false;
}

}  // namespace runtime_process
