// SPDX-License-Identifier: Apache-2.0
#include "support/http_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <sstream>
#include <stdexcept>

namespace fusebox::test {

namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// As of a TLS handshake.
bool speaks_http(const std::string& text) {
  return std::isupper(static_cast<unsigned char>(text[0])) != 0;
}

// Reads until `text` holds a whole head, or `until` bytes, or what is not HTTP; false when the
// client goes away before.
bool receive(int connection, std::string& text, std::size_t until) {
  char piece[4096];
  while (text.size() < until) {
    const ssize_t n = ::recv(connection, piece, sizeof piece, 0);
    if (n <= 0) return false;
    text.append(piece, static_cast<std::size_t>(n));
    if (!speaks_http(text)) return true;
    if (until == std::string::npos && text.find("\r\n\r\n") != std::string::npos) return true;
  }
  return true;
}

WebRequest parse(const std::string& head) {
  std::istringstream lines(head);
  WebRequest request;
  lines >> request.method >> request.target;
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line) && line.size() > 1) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const auto start = line.find_first_not_of(' ', colon + 1);
    const auto end = line.find_last_not_of("\r ");
    request.headers[lower(line.substr(0, colon))] =
        start == std::string::npos || end < start ? "" : line.substr(start, end - start + 1);
  }
  return request;
}

}  // namespace

HttpServer::HttpServer(Handler handler) : handler_(std::move(handler)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || ::bind(listener_, generic, size) != 0 || ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, generic, &size) != 0 || ::pipe(wake_) != 0)
    throw std::runtime_error("cannot listen on 127.0.0.1");
  port_ = ntohs(address.sin_port);
  // A server that a test starts must not hold the end whose closing wakes serve().
  for (const int fd : {listener_, wake_[0], wake_[1]}) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  thread_ = std::thread([this] { serve(); });
}

HttpServer::~HttpServer() {
  ::close(wake_[1]);
  thread_.join();
  ::close(wake_[0]);
  ::close(listener_);
}

std::vector<WebRequest> HttpServer::requests() const {
  const std::scoped_lock lock(mutex_);
  return requests_;
}

void HttpServer::serve() {
  for (;;) {
    pollfd set[2] = {{listener_, POLLIN, 0}, {wake_[0], POLLIN, 0}};
    ::poll(set, 2, -1);
    if (set[1].revents != 0) return;
    const int connection = ::accept(listener_, nullptr, nullptr);
    if (connection < 0) continue;
    const timeval patience{5, 0};
    ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    answer(connection);
    ::close(connection);
  }
}

void HttpServer::answer(int connection) {
  std::string text;
  if (!receive(connection, text, std::string::npos)) return;
  if (!speaks_http(text)) {
    constexpr std::string_view refusal = "HTTP/1.0 400 Bad Request\r\n\r\n";
    static_cast<void>(::send(connection, refusal.data(), refusal.size(), MSG_NOSIGNAL));
    return;
  }
  const auto end = text.find("\r\n\r\n") + 4;
  WebRequest request = parse(text.substr(0, end));
  const auto length = request.headers.find("content-length");
  const std::size_t body = length == request.headers.end() ? 0 : std::stoul(length->second);
  if (!receive(connection, text, end + body)) return;
  request.body = text.substr(end, body);
  const WebResponse response = handler_(request);
  {
    const std::scoped_lock lock(mutex_);
    requests_.push_back(std::move(request));
  }
  if (response.status == 0) return;
  std::string out = fmt::format("HTTP/1.1 {} Status\r\nContent-Length: {}\r\nConnection: close\r\n",
                                response.status, response.body.size());
  for (const auto& [name, value] : response.headers) out += fmt::format("{}: {}\r\n", name, value);
  out += "\r\n" + response.body;
  std::size_t sent = 0;
  while (sent < out.size()) {
    const ssize_t n = ::send(connection, out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return;
    sent += static_cast<std::size_t>(n);
  }
}

}  // namespace fusebox::test
