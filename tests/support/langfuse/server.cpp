// SPDX-License-Identifier: Apache-2.0
#include "support/langfuse/server.hpp"

#include "support/langfuse/environment.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace stand_in {

namespace {

int listener(const std::string& port) {
  const int fd = ::socket(AF_INET6, SOCK_STREAM, 0);
  const int on = 1;
  const int off = 0;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what bind() takes
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd, 64) != 0)
    throw Failure(fmt::format("listen EADDRINUSE: address already in use :::{}", port));
  return fd;
}

std::string read_request(int fd) {
  std::string request;
  char buffer[2048];
  while (request.find("\r\n\r\n") == std::string::npos && request.size() < 65536) {
    const auto got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got <= 0) break;
    request.append(buffer, static_cast<std::size_t>(got));
  }
  return request;
}

void converse(int fd, const std::function<Answer(const std::string&)>& handle) {
  const auto request = read_request(fd);
  const auto begin = request.find(' ') + 1;
  const auto answer = handle(request.substr(begin, request.find(' ', begin) - begin));
  if (answer.status == 0) std::this_thread::sleep_for(std::chrono::hours(1));
  const auto text = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: "
      "close\r\n\r\n{}",
      answer.status, answer.status == 200 ? "OK" : "Error", answer.body.size(), answer.body);
  ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
  ::close(fd);
}

}  // namespace

void serve(const std::string& port, const std::function<Answer(const std::string&)>& handle,
           const std::function<bool()>& stopped) {
  const int fd = listener(port);
  pollfd waiting{fd, POLLIN, 0};
  while (!stopped()) {
    if (::poll(&waiting, 1, 100) <= 0) continue;
    const int connection = ::accept(fd, nullptr, nullptr);
    if (connection >= 0) std::thread(converse, connection, std::cref(handle)).detach();
  }
  ::close(fd);
}

}  // namespace stand_in
