// SPDX-License-Identifier: Apache-2.0
#include "support/unix_server.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace fusebox::test {

namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

bool Conversation::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool Conversation::answer(int status, std::string_view json) {
  return send(
      fmt::format("HTTP/1.1 {} Status\r\nApi-Version: 1.41\r\nContent-Type: "
                  "application/json\r\nContent-Length: {}\r\n\r\n{}",
                  status, json.size(), json));
}

bool Conversation::answer_in_chunks(int status, std::string_view text, std::size_t size) {
  if (!send(fmt::format("HTTP/1.1 {} Status\r\nTransfer-Encoding: chunked\r\n\r\n", status)))
    return false;
  for (std::size_t at = 0; at < text.size(); at += size) {
    const auto piece = text.substr(at, size);
    // Head, body and end apart, so that the client sees them torn as well.
    if (!send(fmt::format("{:x}\r\n", piece.size())) || !send(piece) || !send("\r\n")) return false;
  }
  return send("0\r\n\r\n");
}

std::string Conversation::receive() {
  if (!rest_.empty()) return std::exchange(rest_, {});
  char piece[16384];
  const ssize_t n = ::recv(fd_, piece, sizeof piece, 0);
  return n > 0 ? std::string(piece, static_cast<std::size_t>(n)) : std::string{};
}

void Conversation::pause(std::chrono::milliseconds time) {
  std::unique_lock lock(server_->mutex_);
  server_->ending_.wait_for(lock, time, [this] { return server_->ended_; });
}

UnixServer::UnixServer(const std::filesystem::path& path, Handler handler)
    : handler_(std::move(handler)) {
  listener_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = path.string();
  if (text.size() >= sizeof address.sun_path) throw std::runtime_error("too long: " + text);
  std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
  if (listener_ < 0 ||
      ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 64) != 0)
    throw std::runtime_error("cannot listen on " + text);
  thread_ = std::thread([this] { listen(); });
}

UnixServer::~UnixServer() {
  {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  ending_.notify_all();
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
  for (std::thread& thread : threads_) thread.join();
}

std::vector<std::string> UnixServer::requests() const {
  const std::scoped_lock lock(mutex_);
  return requests_;
}

void UnixServer::listen() {
  for (;;) {
    const int fd = ::accept(listener_, nullptr, nullptr);
    const std::scoped_lock lock(mutex_);
    if (ended_ || fd < 0) {
      if (fd >= 0) ::close(fd);
      return;
    }
    open_.push_back(fd);
    threads_.emplace_back([this, fd] { serve(fd); });
  }
}

void UnixServer::serve(int fd) {
  Conversation talk;
  talk.server_ = this;
  talk.fd_ = fd;
  while (talk.keep_ && read_request(talk)) {
    {
      const std::scoped_lock lock(mutex_);
      requests_.push_back(talk.method + " " + talk.target);
    }
    handler_(talk);
  }
  const std::scoped_lock lock(mutex_);
  std::erase(open_, fd);
  ::close(fd);
}

bool UnixServer::read_request(Conversation& talk) {
  std::string text = std::exchange(talk.rest_, {});
  std::size_t end = std::string::npos;
  while ((end = text.find("\r\n\r\n")) == std::string::npos) {
    const std::string more = talk.receive();
    if (more.empty()) return false;
    text += more;
  }
  std::istringstream lines(text.substr(0, end + 2));
  lines >> talk.method >> talk.target;
  talk.headers.clear();
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    const auto colon = line.find(": ");
    if (colon != std::string::npos)
      talk.headers[lower(line.substr(0, colon))] =
          line.substr(colon + 2, line.find_last_not_of('\r') - colon - 1);
  }
  talk.rest_ = text.substr(end + 4);
  const auto length = talk.headers.find("content-length");
  const std::size_t size = length == talk.headers.end() ? 0 : std::stoul(length->second);
  while (talk.rest_.size() < size) {
    std::string before = std::exchange(talk.rest_, {});
    const std::string more = talk.receive();
    if (more.empty()) return false;
    talk.rest_ = before + more;
  }
  talk.body = talk.rest_.substr(0, size);
  talk.rest_.erase(0, size);
  return true;
}

}  // namespace fusebox::test
