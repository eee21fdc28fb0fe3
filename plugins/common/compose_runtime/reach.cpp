// SPDX-License-Identifier: Apache-2.0
#include "common/compose_runtime/reach.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace fbx::compose_runtime {

namespace {

constexpr std::chrono::milliseconds a_moment{500};

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// Waits for the connection; what became of it.
int outcome(int fd, const common::Deadline& deadline) {
  const auto until = common::Deadline::Clock::now() + std::min(a_moment, deadline.left());
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - common::Deadline::Clock::now());
    if (left.count() <= 0) return ETIMEDOUT;
    std::array<pollfd, 2> set{{{fd, POLLOUT, 0}, {deadline.op().cancel_fd(), POLLIN, 0}}};
    ::poll(set.data(), set.size(), static_cast<int>(left.count()));
    deadline.check_cancelled();
    if (set[0].revents == 0) continue;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
  }
}

}  // namespace

std::optional<Place> published_place(const docker::Address& engine, const docker::Port& port) {
  if (port.published == 0) return std::nullopt;
  const bool everywhere = port.ip.empty() || port.ip == "0.0.0.0" || port.ip == "::";
  if (engine.here()) return Place{everywhere ? "127.0.0.1" : port.ip, port.published};
  if (everywhere) return Place{engine.host, port.published};
  if (port.ip.starts_with("127.") || port.ip == "::1") return std::nullopt;
  return Place{port.ip, port.published};
}

bool can_reach(const std::string& ip, std::uint16_t port, const common::Deadline& deadline) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::inet_pton(AF_INET, ip.c_str(), &address.sin_addr) != 1) return false;
  const Socket socket(::socket(AF_INET, SOCK_STREAM, 0));
  if (socket.get() < 0) return false;
  ::fcntl(socket.get(), F_SETFD, FD_CLOEXEC);
  ::fcntl(socket.get(), F_SETFL, O_NONBLOCK);
  int error = 0;
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    error = errno == EINPROGRESS ? outcome(socket.get(), deadline) : errno;
  // A refusal comes from the container itself: it is there, and only does not listen yet.
  return error == 0 || error == ECONNREFUSED;
}

}  // namespace fbx::compose_runtime
